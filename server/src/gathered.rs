//! Rows of bytes that the database gathers into one. Handed over one by one, from `SQLite`'s thread to another, a
//! hundred of them cost several times what it takes to read them.

use crate::error::{Error, Result};

/// How long the last column of each row is, with commas between, and all bytes of all rows. Nothing where there
/// are none.
pub(crate) type Gathered = (Option<String>, Option<Vec<u8>>);

const CUT: Error = Error::Broken("rows that were gathered are not whole");

/// The rows again, each as what stands before its last column, of `before` bytes, and that column; in the order of
/// these bytes, which costs less here than in the database.
pub(crate) fn rows(gathered: &Gathered, before: usize) -> Result<Vec<(&[u8], &[u8])>> {
    let (Some(lengths), Some(bytes)) = gathered else { return Ok(Vec::new()) };
    let mut rest = bytes.as_slice();
    let rows = lengths.split(',').map(|length| {
        let (row_before, behind) = rest.split_at_checked(before).ok_or(CUT)?;
        let (last, behind) =
            length.parse().ok().and_then(|length| behind.split_at_checked(length)).ok_or(CUT)?;
        rest = behind;
        Ok((row_before, last))
    });
    let mut rows = rows.collect::<Result<Vec<_>>>()?;
    if !rest.is_empty() {
        return Err(CUT);
    }
    rows.sort_unstable();
    Ok(rows)
}

/// A statement that gathers `$before || $last` of every row.
macro_rules! gathered {
    ($tx:expr, $name:literal, ($before:literal, $last:literal), $from:literal) => {{
        // Bytes that are joined are text to SQLite, which keeps each of them.
        let text = if $tx.backend_name() == "SQLite" {
            $crate::gathered::gathering!($name, $before, $last, $from, "blob")
        } else {
            $crate::gathered::gathering!($name, $before, $last, $from, "bytea")
        };
        sqlx::query_as(text)
    }};
}

macro_rules! gathering {
    ($name:literal, $before:literal, $last:literal, $from:literal, $bytes:literal) => {
        concat!(
            "-- ",
            $name,
            "\nselect string_agg(cast(length(",
            $last,
            ") as text), ','), cast(string_agg(",
            $before,
            " || ",
            $last,
            ", '') as ",
            $bytes,
            ") from ",
            $from
        )
    };
}
pub(crate) use {gathered, gathering};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_gathered_is_taken_apart_or_refused() {
        let gathered =
            |lengths: &str, bytes: &[u8]| (Some(lengths.to_owned()), Some(bytes.to_vec()));
        let (one, more) = (gathered("3", b"aabcd"), gathered("2,0", b"bbccaa"));
        assert_eq!(rows(&one, 2).expect("one"), [(&b"aa"[..], &b"bcd"[..])]);
        assert_eq!(rows(&more, 2).expect("two"), [(&b"aa"[..], &b""[..]), (b"bb", b"cc")]);
        assert!(rows(&(None, None), 2).expect("none").is_empty());
        for (lengths, bytes) in
            [("3", &b"aabc"[..]), ("3", b"a"), ("3", b"aabcde"), ("", b"aa"), ("3,", b"aabcd")]
        {
            assert!(rows(&gathered(lengths, bytes), 2).is_err(), "{lengths} {bytes:?}");
        }
    }
}
