//! The process as Linux sees it. Elsewhere there is nothing to read, and these metrics have no values.

use std::fs;

/// Ticks a second in what Linux tells of processor time: 100 on every platform that we are built for (`man 5 proc_pid_stat`).
const TICKS: f64 = 100.0;

/// What can be read of it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Process {
    /// Bytes of memory that it holds.
    pub resident: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// Seconds of processor time.
    pub processor: Option<f64>,
    /// Files and sockets that are open.
    pub open_files: Option<u64>,
    /// How many may be.
    pub most_files: Option<u64>,
}

/// Reads it.
pub(super) fn read() -> Process {
    let text = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    // One of them is the folder itself while it is read.
    let open = fs::read_dir("/proc/self/fd").ok().map(|files| files.count().saturating_sub(1));
    let status = text("status");
    Process {
        resident: field(&status, "VmRSS:").map(|kib| kib * 1024),
        threads: field(&status, "Threads:"),
        processor: processor(&text("stat")),
        open_files: open.and_then(|count| u64::try_from(count).ok()),
        most_files: field(&text("limits"), "Max open files"),
    }
}

/// The first number of the line that begins so.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// User and system time together. The name of the program stands in parentheses and may hold anything.
fn processor(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u32>().ok().map(f64::from);
    Some((next()? + next()?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_writes_is_read() {
        let status = "Name:\tlatchkey\nVmRSS:\t   12345 kB\nThreads:\t9\n";
        assert_eq!((field(status, "VmRSS:"), field(status, "Threads:")), (Some(12_345), Some(9)));
        let limits = "Max open files            1024                 4096                 files     \n";
        assert_eq!(field(limits, "Max open files"), Some(1024));
        assert_eq!(field("Max open files            unlimited  unlimited files", "Max open files"), None);
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 1 2 3";
        assert_eq!(processor(stat), Some(3.0));
        assert_eq!(processor("garbage"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory_threads_and_files() {
        let here = read();
        assert!(here.resident > Some(100_000) && here.threads >= Some(1) && here.open_files >= Some(3), "{here:?}");
    }
}
