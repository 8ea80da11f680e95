//! What every kernel takes, as a Markdown table.

use super::assemble::{Kernel, assemble};
use anyhow::Result;
use std::fmt::Write as _;
use std::path::Path;

/// The architectures that PTX is assembled for.
const MACHINES: [u32; 3] = [75, 80, 90];

/// A kernel of one PTX on every machine that takes it.
pub(super) struct Row {
    /// `map.75`.
    module: String,
    /// One for each of [`MACHINES`], where it is not too old.
    kernels: [Option<Kernel>; 3],
}

/// Assembles a PTX that was made for `target`, for all machines.
pub(super) fn rows(ptxas: &Path, path: &str, target: u32, ptx: &str) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for (at, sm) in MACHINES.into_iter().enumerate() {
        if sm < target {
            continue;
        }
        for kernel in assemble(ptxas, path, ptx, sm)? {
            let name = |row: &Row| row.kernels.iter().flatten().any(|k| k.name == kernel.name);
            let index = rows.iter().position(name).unwrap_or_else(|| {
                let file = path.rsplit('/').next().unwrap_or(path);
                rows.push(Row {
                    module: file.trim_end_matches(".ptx").to_owned(),
                    kernels: [None, None, None],
                });
                rows.len() - 1
            });
            rows[index].kernels[at] = Some(kernel);
        }
    }
    rows.sort_by(|a, b| a.name().cmp(b.name()));
    Ok(rows)
}

impl Row {
    /// What it takes on the latest machine.
    pub(super) fn latest(&self) -> Option<&Kernel> {
        self.kernels[2].as_ref()
    }

    fn name(&self) -> &str {
        let kernel = self.kernels.iter().flatten().next();
        kernel.map_or("", |kernel| kernel.name.as_str())
    }

    /// A figure on every machine, once where it is the same on all.
    fn figure(&self, of: fn(&Kernel) -> u32) -> String {
        let figures: Vec<u32> = self.kernels.iter().flatten().map(of).collect();
        match figures.iter().all(|figure| *figure == figures[0]) {
            true => figures[0].to_string(),
            false => self.each(of),
        }
    }

    fn each(&self, of: fn(&Kernel) -> u32) -> String {
        let figure = |kernel: &Option<Kernel>| {
            kernel
                .as_ref()
                .map_or("–".to_owned(), |kernel| of(kernel).to_string())
        };
        self.kernels.each_ref().map(figure).join(" / ")
    }

    /// What there is to say when it spills.
    pub(super) fn spills(&self) -> Option<String> {
        let all = MACHINES.iter().zip(&self.kernels);
        let spilling: Vec<String> = all
            .filter_map(|(sm, kernel)| Some((sm, kernel.as_ref()?)))
            .filter(|(_, kernel)| kernel.spills > 0)
            .map(|(sm, kernel)| format!("{} bytes on sm_{sm}", kernel.spills))
            .collect();
        (!spilling.is_empty()).then(|| {
            let (name, module) = (self.name(), &self.module);
            format!("{name} of {module}.ptx spills {}", spilling.join(", "))
        })
    }
}

/// The table of these rows.
pub(super) fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| kernel | PTX | registers on sm_75 / 80 / 90 | shared, bytes | stack, bytes | spills, bytes |\n\
         |---|---|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} |",
            row.name(),
            row.module,
            row.each(|kernel| kernel.registers),
            row.figure(|kernel| kernel.shared),
            row.figure(|kernel| kernel.stack),
            row.figure(|kernel| kernel.spills),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(figures: [Option<(u32, u32)>; 3]) -> Row {
        Row {
            module: "map.75".to_owned(),
            kernels: figures.map(|figures| {
                figures.map(|(registers, spills)| Kernel {
                    name: "map_a".to_owned(),
                    registers,
                    shared: 512,
                    stack: 0,
                    spills,
                })
            }),
        }
    }

    #[test]
    fn a_row_has_what_differs_side_by_side() {
        let rows = [
            row([Some((12, 0)), Some((14, 0)), Some((14, 0))]),
            row([None, Some((255, 0)), Some((255, 8))]),
        ];
        let text = table(&rows);
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "| `map_a` | map.75 | 12 / 14 / 14 | 512 | 0 | 0 |",
                "| `map_a` | map.75 | – / 255 / 255 | 512 | 0 | – / 0 / 8 |",
            ]
        );
        assert_eq!(rows[0].spills(), None);
        let spills = rows[1].spills().unwrap();
        assert_eq!(spills, "map_a of map.75.ptx spills 8 bytes on sm_90");
    }
}
