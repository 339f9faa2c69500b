//! Names of the results of libpam (`security/_pam_types.h`).

/// The symbolic name of a result of libpam, such as `PAM_AUTH_ERR` for 7; `PAM_UNKNOWN` for a number
/// that the header does not list.
pub fn code_name(code: i32) -> &'static str {
    usize::try_from(code).ok().and_then(|index| NAMES.get(index)).copied().unwrap_or("PAM_UNKNOWN")
}

const NAMES: [&str; 32] = [
    "PAM_SUCCESS",
    "PAM_OPEN_ERR",
    "PAM_SYMBOL_ERR",
    "PAM_SERVICE_ERR",
    "PAM_SYSTEM_ERR",
    "PAM_BUF_ERR",
    "PAM_PERM_DENIED",
    "PAM_AUTH_ERR",
    "PAM_CRED_INSUFFICIENT",
    "PAM_AUTHINFO_UNAVAIL",
    "PAM_USER_UNKNOWN",
    "PAM_MAXTRIES",
    "PAM_NEW_AUTHTOK_REQD",
    "PAM_ACCT_EXPIRED",
    "PAM_SESSION_ERR",
    "PAM_CRED_UNAVAIL",
    "PAM_CRED_EXPIRED",
    "PAM_CRED_ERR",
    "PAM_NO_MODULE_DATA",
    "PAM_CONV_ERR",
    "PAM_AUTHTOK_ERR",
    "PAM_AUTHTOK_RECOVERY_ERR",
    "PAM_AUTHTOK_LOCK_BUSY",
    "PAM_AUTHTOK_DISABLE_AGING",
    "PAM_TRY_AGAIN",
    "PAM_IGNORE",
    "PAM_ABORT",
    "PAM_AUTHTOK_EXPIRED",
    "PAM_MODULE_UNKNOWN",
    "PAM_BAD_ITEM",
    "PAM_CONV_AGAIN",
    "PAM_INCOMPLETE",
];

#[cfg(test)]
mod tests {
    use super::code_name;

    #[test]
    fn names_follow_the_header() {
        let table = [
            (0, "PAM_SUCCESS"),
            (7, "PAM_AUTH_ERR"),
            (9, "PAM_AUTHINFO_UNAVAIL"),
            (19, "PAM_CONV_ERR"),
            (25, "PAM_IGNORE"),
            (26, "PAM_ABORT"),
            (28, "PAM_MODULE_UNKNOWN"),
            (31, "PAM_INCOMPLETE"),
            (32, "PAM_UNKNOWN"),
            (-1, "PAM_UNKNOWN"),
        ];
        for (code, name) in table {
            assert_eq!(code_name(code), name);
        }
    }
}
