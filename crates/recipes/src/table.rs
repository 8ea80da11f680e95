//! Settings by key: `--set pictures.every-steps=100` on typed tables.

use crate::nearest::meant;
use crate::settings::Sampling;
use anyhow::{Context, Result, bail};
use detach_nn::Optim;
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// An assignment `key=value`, taken apart.
///
/// # Errors
/// When it is none.
pub(crate) fn split(assignment: &str) -> Result<(&str, Value)> {
    let Some((key, value)) = assignment.split_once('=') else {
        bail!("`{assignment}`: write it as key=value, such as lr=1e-3");
    };
    Ok((key.trim(), parse(value.trim())))
}

/// A TOML value if it reads as one, else a string: `fixed` needs no quotes.
fn parse(value: &str) -> Value {
    let document = format!("x = {value}");
    match document.parse::<Table>() {
        Ok(mut table) => table.remove("x").unwrap_or_else(|| value.into()),
        Err(_) => value.into(),
    }
}

/// Whether `table` has an entry at the first part of the dotted `key`.
pub(crate) fn has(table: &Table, key: &str) -> bool {
    table.contains_key(key.split('.').next().unwrap_or(key))
}

/// `from` as a table, and back with the entry at the dotted `key` replaced.
///
/// # Errors
/// When there is no such entry, or the value is not of its kind.
pub(crate) fn replaced<T: Serialize + DeserializeOwned>(
    from: &T,
    key: &str,
    value: Value,
) -> Result<T> {
    let table = Table::try_from(from).context("settings as TOML")?;
    replace(table, key, value)?
        .try_into()
        .with_context(|| format!("not a value for `{key}`"))
}

/// `table` with the entry at the dotted `key` replaced.
///
/// # Errors
/// When there is no such entry.
pub(crate) fn replace(mut table: Table, key: &str, value: Value) -> Result<Table> {
    let (head, rest) = match key.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (key, None),
    };
    let mut known: Vec<String> = table.keys().cloned().collect();
    if is_optim(&table) {
        let others = Optim::KEYS.iter().map(|key| (*key).to_owned());
        known.extend(others.filter(|key| !table.contains_key(key)));
    }
    if rest.is_none() && is_optim(&table) && Optim::KEYS.contains(&head) {
        // Keys at their defaults are left out of the table.
        table.entry(head).or_insert(Value::Float(0.0));
    }
    let Some(old) = table.get_mut(head) else {
        let hint = meant(head, known.iter().map(String::as_str));
        bail!("no setting `{head}`{hint}; there are: {}", known.join(", "));
    };
    *old = match (rest, &*old, &value) {
        (Some(rest), Value::Table(inner), _) => replace(inner.clone(), rest, value)?.into(),
        (Some(_), _, _) => bail!("`{head}` has no settings inside"),
        // `lr=1` means 1.0.
        (None, Value::Float(_), Value::Integer(i)) => (*i as f64).into(),
        // `sampling` is a choice with details; its name alone chooses it.
        (None, Value::Table(_), Value::String(name)) if head == "sampling" => sampling(name)?,
        (None, ..) => value,
    };
    Ok(table)
}

fn sampling(name: &str) -> Result<Value> {
    let sampling = match name {
        "shuffled" => Sampling::Shuffled { drop_last: false },
        "shuffled-drop-last" => Sampling::Shuffled { drop_last: true },
        "with-replacement" => Sampling::WithReplacement,
        _ => bail!("sampling is `shuffled`, `shuffled-drop-last` or `with-replacement`"),
    };
    Value::try_from(sampling).context("sampling as TOML")
}

/// Whether this is the table of an optimiser.
pub(crate) fn is_optim(table: &Table) -> bool {
    table.contains_key("kind") && table.contains_key("lr")
}

/// Every setting in `table`, by its dotted key, in order.
pub(crate) fn keys(table: &Table) -> Vec<String> {
    let mut out = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                out.extend(keys(inner).into_iter().map(|rest| format!("{key}.{rest}")));
            }
            _ => out.push(key.clone()),
        }
    }
    out
}

/// Every setting in `table` as a line `a.b = value`, in order.
pub(crate) fn lines(table: &Table) -> Vec<String> {
    let mut out = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                out.extend(lines(inner).into_iter().map(|rest| format!("{key}.{rest}")));
            }
            value => out.push(format!("{key} = {value}")),
        }
    }
    out
}
