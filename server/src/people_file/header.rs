//! The header line of a spreadsheet: which column holds what, by the words that people use.

use super::problem::Wrong;
use crate::when::half_width;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Login,
    Name,
    LatinName,
    Language,
    Scopes,
    Groups,
    ValidFrom,
    ValidUntil,
    /// A column without a name: spreadsheets leave them behind; it has to be empty.
    Unnamed,
}

/// Each word without blanks, `_` and `-`, in small letters.
const WORDS: &[(Column, &[&str])] = &[
    (
        Column::Login,
        &[
            "login",
            "loginname",
            "user",
            "username",
            "userid",
            "account",
            "ログイン",
            "ログイン名",
            "ログインid",
            "ユーザー名",
            "ユーザ名",
            "ユーザーid",
            "ユーザid",
            "アカウント",
            "アカウント名",
            "利用者名",
        ],
    ),
    (Column::Name, &["name", "fullname", "displayname", "名前", "氏名", "お名前", "表示名"]),
    (
        Column::LatinName,
        &[
            "latinname",
            "romanname",
            "romaji",
            "ローマ字",
            "ローマ字氏名",
            "氏名ローマ字",
            "氏名(ローマ字)",
            "英字氏名",
        ],
    ),
    (Column::Language, &["language", "lang", "言語"]),
    (Column::Scopes, &["scopes", "scope", "スコープ", "病棟", "部署"]),
    (Column::Groups, &["groups", "group", "グループ"]),
    (
        Column::ValidFrom,
        &[
            "validfrom",
            "from",
            "start",
            "開始日",
            "有効開始日",
            "有効開始",
            "利用開始日",
            "利用開始",
        ],
    ),
    (
        Column::ValidUntil,
        &[
            "validuntil",
            "until",
            "end",
            "expires",
            "終了日",
            "有効終了日",
            "有効終了",
            "有効期限",
            "利用終了日",
            "利用期限",
        ],
    ),
];

/// The columns of a header line; what is wrong with it.
pub fn read(cells: &[String]) -> (Vec<Column>, Vec<Wrong>) {
    let columns: Vec<Option<Column>> = cells.iter().map(|cell| column(cell)).collect();
    if !columns.contains(&Some(Column::Login)) {
        return (Vec::new(), vec![Wrong::NoHeader]);
    }
    let mut wrong = Vec::new();
    for (at, (column, cell)) in columns.iter().zip(cells).enumerate() {
        let twice = *column != Some(Column::Unnamed)
            && columns.iter().take(at).any(|before| before == column);
        if column.is_none() || twice {
            wrong.push(Wrong::Column(cell.clone()));
        }
    }
    if !columns.contains(&Some(Column::Name)) {
        wrong.push(Wrong::Missing("name"));
    }
    (columns.into_iter().flatten().collect(), wrong)
}

fn column(cell: &str) -> Option<Column> {
    let is_filler = |c: &char| c.is_whitespace() || matches!(c, '_' | '-');
    let word: String =
        cell.chars().map(half_width).filter(|c| !is_filler(c)).collect::<String>().to_lowercase();
    if word.is_empty() {
        return Some(Column::Unnamed);
    }
    WORDS.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(column, _)| *column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(line: &str) -> Vec<String> {
        line.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn headers_are_known_in_both_languages_and_by_any_case() {
        use Column::{
            Groups, Language, LatinName, Login, Name, Scopes, Unnamed, ValidFrom, ValidUntil,
        };
        let all = vec![Login, Name, LatinName, Language, Scopes, Groups, ValidFrom, ValidUntil];
        for line in [
            "login,name,latin_name,language,scopes,groups,valid_from,valid_until",
            "LOGIN,Name,Latin Name,Lang,Scope,GROUP,Valid From,VALID UNTIL",
            "ログイン名,氏名,ローマ字,言語,スコープ,グループ,開始日,有効期限",
            " ｌｏｇｉｎ ,名前,氏名（ローマ字）,言語,病棟,グループ,利用開始日,終了日",
        ] {
            assert_eq!(read(&cells(line)), (all.clone(), vec![]), "{line}");
        }
        assert_eq!(read(&cells("name,login,,")).0, [Name, Login, Unnamed, Unnamed]);
    }

    #[test]
    fn a_line_that_is_no_header_is_not_taken_for_one() {
        for line in ["hanako,山田 花子,ja", "", "name,scopes"] {
            assert_eq!(read(&cells(line)).1, [Wrong::NoHeader], "{line}");
        }
        assert_eq!(
            read(&cells("login,naem,scopes")).1,
            [Wrong::Column("naem".into()), Wrong::Missing("name")]
        );
        assert_eq!(read(&cells("login,name,Login")).1, [Wrong::Column("Login".into())]);
    }
}
