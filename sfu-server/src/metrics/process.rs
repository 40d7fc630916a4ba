//! What every process exports: the names that Prometheus' own client libraries use, without a
//! prefix. Read from the operating system when somebody asks; what it does not tell is left out.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::time::TimeVal;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// This process.
#[derive(Debug)]
pub(super) struct Process {
    /// Since 1970.
    started: Duration,
}

impl Process {
    /// Made once, when the process starts.
    pub(super) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            started: since.unwrap_or_default(),
        }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
            let cpu = seconds(usage.user_time()) + seconds(usage.system_time());
            let help = "Processor time of user and system";
            let unit = Some(&Unit::Seconds);
            let metric =
                encoder.encode_descriptor("process_cpu", help, unit, MetricType::Counter)?;
            ConstCounter::new(cpu).encode(metric)?;
        }
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        for (name, help, field) in [
            ("process_resident_memory", "Resident memory", "VmRSS:"),
            ("process_virtual_memory", "Virtual memory", "VmSize:"),
        ] {
            if let Some(bytes) = memory(&status, field) {
                gauge(&mut encoder, name, help, Some(&Unit::Bytes), bytes)?;
            }
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            // One of them is the listing itself.
            let open = open.count().saturating_sub(1) as u64;
            let help = "Open file descriptors";
            gauge(&mut encoder, "process_open_fds", help, None, open)?;
        }
        if let Ok((most, _)) = getrlimit(Resource::RLIMIT_NOFILE) {
            let help = "Most file descriptors that may be open";
            gauge(&mut encoder, "process_max_fds", help, None, most)?;
        }
        let help = "When the process started, since 1970";
        let unit = Some(&Unit::Seconds);
        let metric =
            encoder.encode_descriptor("process_start_time", help, unit, MetricType::Gauge)?;
        ConstGauge::new(self.started.as_secs_f64()).encode(metric)
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: u64,
) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
    ConstGauge::new(value).encode(metric)
}

fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}

/// A field of `/proc/self/status`, `NAME: 12 kB`, in bytes.
fn memory(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_system_s_words() {
        let status = "Name:\tsfu\nVmSize:\t    2048 kB\nVmRSS:\t      12 kB\n";
        assert_eq!(memory(status, "VmRSS:"), Some(12 * 1024));
        assert_eq!(memory(status, "VmSize:"), Some(2 * 1024 * 1024));
        for nothing in ["", "VmRSS:\t12", "VmRSS:\tx kB"] {
            assert_eq!(memory(nothing, "VmRSS:"), None);
        }
    }
}
