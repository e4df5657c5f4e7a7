//! The largest memory this process had since it was last asked to forget.

use std::fs;

/// Makes the peak start from what is in use now. Without effect where the system does not offer it.
pub(crate) fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap_or_default();
}

/// Peak resident memory since [`forget_peak`], in MiB; none where the system does not say.
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
    fn the_peak_follows_what_is_used_and_forgets_it() {
        forget_peak();
        let before = peak_mib().unwrap();
        let used = vec![1_u8; 64 << 20];
        assert_eq!(used.iter().map(|byte| u64::from(*byte)).sum::<u64>(), 64 << 20);
        assert!(peak_mib().unwrap() >= before + 64);
        drop(used);
        forget_peak();
        assert!(peak_mib().unwrap() < before + 64);
    }
}
