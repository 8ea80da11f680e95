//! Processes that run: how far they are, and signals to them.

use std::process::{Child, Command};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What does not come in this time does not come.
const PATIENCE: Duration = Duration::from_secs(120);

/// The processor's time that a running process has had: how much it has done, on a busy machine too.
///
/// # Panics
/// When there is no such process.
pub fn cpu_time(child: &Child) -> Duration {
    let words = ["-o", "cputime=", "-p", &child.id().to_string()];
    let output = Command::new("ps")
        .args(words)
        .output()
        .expect("`ps` starts");
    let text = String::from_utf8_lossy(&output.stdout);
    // hours:minutes:seconds, whole
    let parts = text.trim().split(':').map(str::parse::<u64>);
    let seconds = parts.map(|part| part.expect("a time"));
    Duration::from_secs(seconds.fold(0, |sum, part| sum * 60 + part))
}

/// Waits until `is` is true, and looks a thousand times a second.
///
/// # Panics
/// When it never becomes true.
#[track_caller]
pub fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether a program that was started has ended.
///
/// # Panics
/// When the system does not say.
pub fn ended(child: &mut Child) -> bool {
    child.try_wait().expect("the state of the run").is_some()
}

/// A moment below `limit` that is another one each time: no two runs of a test kill at the same.
pub fn random_below(limit: Duration) -> Duration {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let fraction = f64::from(now.subsec_nanos() % 1_000_003) / 1_000_003.0;
    limit.mul_f64(fraction)
}

/// Sends the signal called `name` (`INT`, `TERM`, `KILL`).
///
/// # Panics
/// When there is no shell, or no such process.
#[track_caller]
pub fn signal(child: &Child, name: &str) {
    let script = format!("kill -{name} {}", child.id());
    let status = Command::new("sh")
        .args(["-c", &script])
        .status()
        .expect("a shell");
    assert!(status.success(), "{script}");
}
