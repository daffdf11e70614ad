//! Tables as plain text that is also Markdown.

/// Prints a title, what the table answers, and the table; figures stand to the right.
#[expect(clippy::print_stdout, reason = "the tables are what the command is for")]
pub(crate) fn table(title: &str, about: &str, heads: &[&str], rows: &[Vec<String>]) {
    let heads: Vec<_> = heads.iter().map(|head| (*head).to_owned()).collect();
    let width = |column: usize| {
        let cells = std::iter::once(&heads).chain(rows).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..heads.len()).map(width).collect();
    let is_text: Vec<_> = (0..heads.len()).map(|column| is_text(rows, column)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).zip(&is_text).map(|((cell, width), is_text)| {
            if *is_text { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().zip(&is_text).map(|(width, is_text)| {
        if *is_text { "-".repeat(width + 2) } else { format!("{}:", "-".repeat(width + 1)) }
    });
    println!("\n## {title}\n\n{about}\n");
    println!("{}\n|{}|", line(&heads), rule.collect::<Vec<_>>().join("|"));
    for row in rows {
        println!("{}", line(row));
    }
}

/// Prints a paragraph below a table.
#[expect(clippy::print_stdout, reason = "the tables are what the command is for")]
pub(crate) fn says(text: &str) {
    println!("\n{text}");
}

/// Names and lists of settings may begin with a figure, and have letters.
fn is_text(rows: &[Vec<String>], column: usize) -> bool {
    let mut cells = rows.iter().filter_map(|row| row.get(column));
    cells.any(|cell| cell.chars().any(char::is_alphabetic))
}
