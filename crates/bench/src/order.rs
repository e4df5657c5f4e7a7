//! Orders for the intake service, each for a case of its own.

use portbook_domain::{
    ApplicationLine, CaseId, Command, CommandId, ControlCode, CountryCode, Element, Grams, HsCode,
    InvalidText, Lane, LicenseKind, Order, PortCode, SubmitApplication, Text,
};

/// The order to file an application under a case number that nobody else uses.
pub(crate) fn submit(case: &str) -> Result<Order, InvalidText> {
    let application = SubmitApplication {
        external_ref: None,
        applicant: Text::new("commitment-of-an-applicant")?,
        end_user_commitment: None,
        end_use: None,
        destination: CountryCode::new("DE")?,
        exit_port: PortCode::new("CNNBG")?,
        lines: vec![ApplicationLine {
            line: 1,
            hs: HsCode::new("8505111000")?,
            control_code: ControlCode::new("1C905.a")?,
            element: Element::new("Dy")?,
            form: None,
            net_mass_g: Grams::new(1_160_000)?,
        }],
        kind: LicenseKind::General,
        lane: Lane::Standard,
        evidence: Vec::new(),
    };
    Ok(Order {
        command_id: CommandId::new(&format!("submit-{case}"))?,
        case: CaseId::new(case)?,
        occurred_at: None,
        command: Command::SubmitApplication(application),
    })
}
