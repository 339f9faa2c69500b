//! How wide a text is where each letter has its column: on a screen, in a plot.

/// Columns of a text on a screen: Japanese characters take two.
pub fn columns_of(text: &str) -> usize {
    text.chars()
        .map(|c| match u32::from(c) {
            0x1100..=0x115f
            | 0x2e80..=0xa4cf
            | 0xac00..=0xd7a3
            | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f
            | 0xff00..=0xff60
            | 0xffe0..=0xffe6 => 2,
            _ => 1,
        })
        .sum()
}

/// The beginning of a text that fits into so many columns; what was cut shows by an ellipsis.
pub fn fitting(text: &str, columns: usize) -> String {
    if columns_of(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += columns_of(c.encode_utf8(&mut [0; 4]));
        if used > columns {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_where_a_letter_ends() {
        for (text, columns, fits) in [
            ("east3", 5, "east3"),
            ("east3", 4, "eas…"),
            ("東三病棟", 8, "東三病棟"),
            ("東三病棟", 7, "東三病…"),
            ("東三病棟", 6, "東三…"),
        ] {
            assert_eq!(fitting(text, columns), fits, "{text} {columns}");
        }
    }
}
