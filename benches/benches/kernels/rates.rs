//! Criterion's clock with the units of the field: GFLOP/s and GB/s.

use criterion::Throughput;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use detach_benches::ledger::Unit;
use std::time::{Duration, Instant};

/// Wall time, whose throughput of elements is in GFLOP/s and of bytes in GB/s.
pub(crate) struct Rates;

impl Measurement for Rates {
    type Intermediate = Instant;
    type Value = Duration;

    fn start(&self) -> Instant {
        WallTime.start()
    }

    fn end(&self, start: Instant) -> Duration {
        WallTime.end(start)
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        WallTime.add(a, b)
    }

    fn zero(&self) -> Duration {
        WallTime.zero()
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        &Formatter
    }
}

/// Values are nanoseconds, so that operations or bytes by them are 10⁹ a second.
struct Formatter;

impl ValueFormatter for Formatter {
    fn scale_values(&self, typical: f64, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_values(typical, values)
    }

    fn scale_throughputs(
        &self,
        typical: f64,
        throughput: &Throughput,
        values: &mut [f64],
    ) -> &'static str {
        let (amount, unit) = match *throughput {
            Throughput::Elements(operations) => (operations, Unit::Gflops),
            Throughput::BytesDecimal(bytes) => (bytes, Unit::Gbytes),
            _ => {
                let plain = WallTime.formatter();
                return plain.scale_throughputs(typical, throughput, values);
            }
        };
        for value in values {
            *value = amount as f64 / *value;
        }
        unit.name()
    }

    fn scale_for_machines(&self, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_for_machines(values)
    }
}
