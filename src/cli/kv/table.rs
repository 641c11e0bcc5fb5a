//! A bordered table with centred capital headings and right-aligned cells, as etcdctl draws it.

/// Draws `rows` under `headings`; each row has as many cells.
pub fn draw(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| length(&row[column]));
        cells.chain([length(headings[column])]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let border: String = widths
        .iter()
        .map(|width| format!("+{}", "-".repeat(width + 2)))
        .collect();
    let border = format!("{border}+\n");

    let mut table = border.clone();
    for (heading, &width) in headings.iter().zip(&widths) {
        let left = (width - length(heading)) / 2;
        table += &format!(
            "| {}{heading:<rest$} ",
            " ".repeat(left),
            rest = width - left
        );
    }
    table += "|\n";
    table += &border;
    for row in rows {
        for (cell, width) in row.iter().zip(&widths) {
            table += &format!("| {cell:>width$} ");
        }
        table += "|\n";
    }
    table + &border
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_centred_and_cells_right_aligned() {
        let drawn = draw(
            &["ENDPOINT", "HASH"],
            &[vec!["127.0.0.1:24790".into(), "1".into()]],
        );
        let expected = "\
+-----------------+------+
|    ENDPOINT     | HASH |
+-----------------+------+
| 127.0.0.1:24790 |    1 |
+-----------------+------+
";
        assert_eq!(drawn, expected);
    }

    #[test]
    fn no_rows_leave_an_empty_frame() {
        assert_eq!(draw(&["ID"], &[]), "+----+\n| ID |\n+----+\n+----+\n");
    }
}
