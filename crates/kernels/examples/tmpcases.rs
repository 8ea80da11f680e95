use detach_kernels::{Device, Matmul, cases};
fn main() {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let mm = if std::env::var_os("TF32").is_some() {
        Matmul::Tf32
    } else {
        Matmul::Fp32
    };
    let device = Device::open(&std::env::var("DEV").unwrap_or("cuda".into()), mm).unwrap();
    let mut bad = 0;
    for c in cases::all() {
        if !filter.split(',').any(|f| c.name.contains(f)) {
            continue;
        }
        let t = std::time::Instant::now();
        let e = (c.run)(device);
        let ok = c.passes(e);
        bad += usize::from(!ok);
        println!(
            "{} {:e} <= {:.0e} {:5.2}s {}",
            if ok { "ok " } else { "BAD" },
            e,
            c.tolerance,
            t.elapsed().as_secs_f64(),
            c.name
        );
    }
    println!("{bad} bad");
}
