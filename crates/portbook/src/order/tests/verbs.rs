//! Every verb with every flag it has.

use super::Verb;

macro_rules! sha256 {
    () => {
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    };
}

macro_rules! evidence {
    () => {
        concat!(
            r#""evidence":[{"kind":"contract","sha256":""#,
            sha256!(),
            r#"","size":3,"media_type":"text/plain"}]"#
        )
    };
}

const EVIDENCE: &[&str] = &[
    "--evidence",
    concat!("contract=", sha256!(), ",size=3,type=text/plain"),
];

pub(super) const ALL: &[Verb] = &[
    SUBMIT, WITHDRAW, QUERY, ANSWER, GRANT, REFUSE, CHANGE, DECLARE, CLEAR, CLOSE, CORRECT, ANNUL,
];

const SUBMIT: Verb = Verb {
    typed: "submit",
    flags: &[
        &["--external-ref", "A 7"],
        &["--applicant", "salted"],
        &["--end-user-commitment", sha256!()],
        &["--end-use", "motors"],
        &["--destination", "DE"],
        &["--exit-port", "CNNBG"],
        &[
            "--line",
            "1,hs=8505111000,code=1C905.a,element=Dy,form=magnet,kg=840.5",
        ],
        &["--line", "2,kg=0.001,element=Tb,code=1C905.b,hs=280530"],
        &["--kind", "single"],
        &["--lane", "expedited"],
        EVIDENCE,
    ],
    command: "submit-application",
    fields: concat!(
        r#"{"external_ref":"A 7","applicant":"salted","end_user_commitment":""#,
        sha256!(),
        r#"","end_use":"motors","destination":"DE","exit_port":"CNNBG","kind":"single","lane":"expedited","lines":["#,
        r#"{"line":1,"hs":"8505111000","control_code":"1C905.a","element":"Dy","form":"magnet","net_mass_g":840500},"#,
        r#"{"line":2,"hs":"280530","control_code":"1C905.b","element":"Tb","net_mass_g":1}],"#,
        evidence!(),
        "}"
    ),
};

const WITHDRAW: Verb = Verb {
    typed: "withdraw",
    flags: &[&["--reason-code", "sold"], EVIDENCE],
    command: "withdraw-application",
    fields: concat!(r#"{"reason_code":"sold","#, evidence!(), "}"),
};

const QUERY: Verb = Verb {
    typed: "query",
    flags: &[
        &["--stage", "customs"],
        &["--query-id", "q1"],
        &["--authority", "customs of Ningbo"],
        &["--reason", "which alloy?"],
        &["--notice-no", "N 1"],
        &["--declaration-no", "310120250000000001"],
        &["--reply-due", "2025-06-30"],
    ],
    command: "raise-query",
    fields: concat!(
        r#"{"stage":"customs","query_id":"q1","authority":"customs of Ningbo","reason":"which alloy?","#,
        r#""notice_no":"N 1","declaration_no":"310120250000000001","reply_due":"2025-06-30"}"#
    ),
};

const ANSWER: Verb = Verb {
    typed: "answer",
    flags: &[
        &["--query-id", "licensing-1"],
        &["--answered-by", "salted"],
        &["--partial"],
        EVIDENCE,
    ],
    command: "answer-query",
    fields: concat!(
        r#"{"query_id":"licensing-1","answered_by":"salted","complete":false,"#,
        evidence!(),
        "}"
    ),
};

const GRANT: Verb = Verb {
    typed: "grant",
    flags: &[
        &["--license-no", "L-1"],
        &["--kind", "general"],
        &["--uses-allowed", "12"],
        &["--valid-from", "2025-04-07"],
        &["--valid-until", "2026-04-06"],
        &["--destination", "DE"],
        &["--exit-port", "CNNBG"],
        &["--exit-port", "CNSHG"],
        &["--line", "1,hs=8505111000,code=1C905.a,element=Dy,g=840000"],
        &["--lane", "expedited"],
        &["--authority", "ministry"],
        EVIDENCE,
    ],
    command: "grant-license",
    fields: concat!(
        r#"{"license_no":"L-1","kind":"general","uses_allowed":12,"valid_from":"2025-04-07","valid_until":"2026-04-06","#,
        r#""destination":"DE","exit_ports":["CNNBG","CNSHG"],"lane":"expedited","authority":"ministry","lines":["#,
        r#"{"line":1,"hs":"8505111000","control_code":"1C905.a","element":"Dy","granted_g":840000}],"#,
        evidence!(),
        "}"
    ),
};

const REFUSE: Verb = Verb {
    typed: "refuse",
    flags: &[&["--outcome", "lapsed"], &["--reason-code", "late"], EVIDENCE],
    command: "close-application",
    fields: concat!(r#"{"outcome":"lapsed","reason_code":"late","#, evidence!(), "}"),
};

const CHANGE: Verb = Verb {
    typed: "change-license",
    flags: &[
        &["--license-no", "L-1"],
        &["--change", "replaced"],
        &["--effective-at", "2025-07-01T00:00:00Z"],
        &["--reason-code", "typo"],
        &["--replaced-by", "L-2"],
    ],
    command: "change-license",
    fields: concat!(
        r#"{"license_no":"L-1","change":"replaced","effective_at":"2025-07-01T00:00:00Z","reason_code":"typo","#,
        r#""replaced_by":"L-2"}"#
    ),
};

const DECLARE: Verb = Verb {
    typed: "declare",
    flags: &[
        &["--declaration-no", "310120250000000001"],
        &["--port", "CNNBG"],
        &["--license-no", "L-1"],
        &["--control-status", "controlled"],
        &["--destination", "DE"],
        &["--line", "1,hs=8505111000,code=1C905.a,element=Dy,kg=10"],
        &["--consignee-commitment", sha256!()],
        &["--transport-mode", "sea"],
    ],
    command: "declare-shipment",
    fields: concat!(
        r#"{"declaration_no":"310120250000000001","port":"CNNBG","license_no":"L-1","control_status":"controlled","#,
        r#""destination":"DE","lines":[{"line":1,"hs":"8505111000","control_code":"1C905.a","element":"Dy","#,
        r#""cleared_g":10000}],"consignee_commitment":""#,
        sha256!(),
        r#"","transport_mode":"sea"}"#
    ),
};

const CLEAR: Verb = Verb {
    typed: "clear",
    flags: &[
        &["--declaration-no", "310120250000000001"],
        &["--port", "CNNBG"],
        &["--license-no", "L-1"],
        &["--control-status", "determined_not_controlled"],
        &["--destination", "DE"],
        &["--line", "hs=850511,kg=10"],
        EVIDENCE,
    ],
    command: "clear-shipment",
    fields: concat!(
        r#"{"declaration_no":"310120250000000001","port":"CNNBG","license_no":"L-1","#,
        r#""control_status":"determined_not_controlled","destination":"DE","lines":[{"hs":"850511","cleared_g":10000}],"#,
        evidence!(),
        "}"
    ),
};

const CLOSE: Verb = Verb {
    typed: "close-shipment",
    flags: &[
        &["--declaration-no", "310120250000000001"],
        &["--outcome", "reversed"],
        &["--reason-code", "returned"],
        &["--returned-kg", "2.25"],
    ],
    command: "close-shipment",
    fields: concat!(
        r#"{"declaration_no":"310120250000000001","outcome":"reversed","reason_code":"returned","#,
        r#""returned_g":2250}"#
    ),
};

const CORRECT: Verb = Verb {
    typed: "correct",
    flags: &[
        &["--target-event-id", "371cd45b-31ce-56ec-8194-64fb67c689b1"],
        &["--target-leaf", sha256!()],
        &["--patch", "/exit_ports/0", r#""CNNBG""#, r#""CNSHG""#],
        &["--patch", "/lines/0/form", "-1", "2"],
        &["--reason", "slip"],
        &["--requested-by", "clerk 1"],
        &["--approved-by", "clerk 2"],
    ],
    command: "correct-record",
    fields: concat!(
        r#"{"target_event_id":"371cd45b-31ce-56ec-8194-64fb67c689b1","target_leaf":""#,
        sha256!(),
        r#"","field_patches":[{"pointer":"/exit_ports/0","old":"\"CNNBG\"","new":"\"CNSHG\""},"#,
        r#"{"pointer":"/lines/0/form","old":"-1","new":"2"}],"#,
        r#""reason":"slip","requested_by":"clerk 1","approved_by":"clerk 2"}"#
    ),
};

const ANNUL: Verb = Verb {
    typed: "annul",
    flags: &[
        &["--target-event-id", "371cd45b-31ce-56ec-8194-64fb67c689b1"],
        &["--target-leaf", sha256!()],
        &["--reason", "never happened"],
        &["--requested-by", "clerk 1"],
        &["--approved-by", "clerk 2"],
    ],
    command: "annul-record",
    fields: concat!(
        r#"{"target_event_id":"371cd45b-31ce-56ec-8194-64fb67c689b1","target_leaf":""#,
        sha256!(),
        r#"","reason":"never happened","requested_by":"clerk 1","approved_by":"clerk 2"}"#
    ),
};
