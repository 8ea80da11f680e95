//! "Did you mean": the known name that is nearest to a wrong one.

/// The one of `names` that is nearest to `wrong`, if one is near: for "did you mean".
pub fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let wrong = plain(wrong);
    let near = names
        .map(|name| (distance(&wrong, &plain(name)), name))
        .min_by_key(|(distance, _)| *distance)?;
    let most = (wrong.chars().count() / 3).clamp(1, 3);
    (near.0 <= most).then_some(near.1)
}

/// What a setting is called elsewhere, and here.
const SYNONYMS: [(&str, &str); 16] = [
    ("learning-rate", "lr"),
    ("step-size", "lr"),
    ("batch", "batch-size"),
    ("bs", "batch-size"),
    ("n-epochs", "epochs"),
    ("num-epochs", "epochs"),
    ("random-seed", "seed"),
    ("z-dim", "latent"),
    ("nz", "latent"),
    ("latent-dim", "latent"),
    ("latent-size", "latent"),
    ("n-critic", "d-steps"),
    ("critic-steps", "d-steps"),
    ("optimizer", "kind"),
    ("optimiser", "kind"),
    ("scheduler", "schedule"),
];

/// A question after the one of `names` that a wrong one means, for the middle of a sentence; empty where none is near.
/// Of a key with dots, the last part may be what a setting is called elsewhere.
pub fn meant<'a>(wrong: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    let plain = wrong.to_lowercase().replace('_', "-");
    let (table, last) = match plain.rsplit_once('.') {
        Some((table, last)) => (format!("{table}."), last),
        None => (String::new(), plain.as_str()),
    };
    let called = SYNONYMS.iter().find(|(elsewhere, _)| *elsewhere == last);
    let called = called.map(|(_, here)| format!("{table}{here}"));
    let known = called.filter(|here| names.clone().any(|name| name == here));
    match known.or_else(|| nearest(wrong, names).map(str::to_owned)) {
        Some(meant) => format!(" (did you mean `{meant}`?)"),
        None => String::new(),
    }
}

/// The least number of characters to insert, delete, replace or swap with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j] + 1)
                .min(row[j - 1] + 1)
                .min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
