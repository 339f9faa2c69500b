//! How wide a text is on a screen, in the columns of a terminal: a Japanese letter takes two.
//!
//! What has two is said by Unicode's East Asian Width (UAX 11, wide and fullwidth), as far as names
//! and our own sentences use it.

/// What stands in the place of what was cut off; one column.
const CUT: char = '…';

/// Columns of a text.
pub fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// The text, or as much of it as fits into so many columns.
pub fn fitted(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(columns_of(CUT));
    let fits = |letter: &char| {
        let wide = columns_of(*letter);
        let fits = wide <= left;
        left = left.saturating_sub(wide);
        fits
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push(CUT);
    cut
}

const fn columns_of(letter: char) -> usize {
    match letter {
        // Hangul; CJK's marks, kana, ideographs; Hangul's syllables; compatibility; full-width
        // forms; pictures; ideographs of the further planes.
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{a960}'..='\u{a97c}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff01}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_japanese_letter_takes_two_columns() {
        for (text, wide) in [
            ("", 0),
            ("Demo Hanako", 11),
            ("山田 花子", 9),
            ("さんのキー", 10),
            ("（PIN）。", 9),
            ("ﾊﾅｺ", 3),
            ("𠮷田", 4),
            ("Ｈ１", 4),
        ] {
            assert_eq!(columns(text), wide, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_between_letters_and_shows_it() {
        for (text, most, fits) in [
            ("山田 花子", 9, "山田 花子"),
            ("山田 花子", 8, "山田 花…"),
            ("山田 花子", 7, "山田 …"),
            ("Hanako", 4, "Han…"),
            ("花", 1, "…"),
        ] {
            assert_eq!(fitted(text, most), fits);
            assert!(columns(&fitted(text, most)) <= most);
        }
    }
}
