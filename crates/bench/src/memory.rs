//! The largest memory this process ever had.

use std::fs;

/// Peak resident memory in MiB; none where the system does not say.
pub(crate) fn peak_mib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib.div_ceil(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_grows_with_what_is_used() {
        let before = peak_mib().unwrap();
        let mebibytes = before + 64;
        let used = vec![1_u8; usize::try_from(mebibytes << 20).unwrap()];
        assert_eq!(
            used.iter().map(|byte| u64::from(*byte)).sum::<u64>(),
            mebibytes << 20
        );
        assert!(peak_mib().unwrap() >= mebibytes);
    }
}
