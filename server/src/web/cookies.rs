//! Cookies, read and set.

use axum::http::{HeaderMap, HeaderValue, header};

/// The cookie of a session. Its prefix binds it to this host, the whole of it, and HTTPS (RFC
/// 6265bis, 4.1.3.2).
pub const SESSION: &str = "__Host-wardkey";

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|cookies| cookies.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Sets a cookie for this host; for as long as the browser runs.
pub fn set_cookie(name: &str, value: &str) -> Option<HeaderValue> {
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict");
    HeaderValue::try_from(text).ok()
}

/// Takes a cookie away.
pub fn take_cookie(name: &str) -> Option<HeaderValue> {
    let text = format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        let text = "x__Host-wardkey=1; __Host-wardkey-language=ja;  __Host-wardkey=2";
        headers.append(header::COOKIE, HeaderValue::from_static("a"));
        headers.append(header::COOKIE, HeaderValue::from_static(text));
        assert_eq!(cookie(&headers, SESSION), Some("2"));
        assert_eq!(cookie(&headers, "__Host-wardkey-language"), Some("ja"));
        assert_eq!(cookie(&headers, "nothing"), None);
        let set = set_cookie(SESSION, "3").unwrap();
        let set = set.to_str().unwrap();
        for part in ["__Host-wardkey=3; Path=/;", "Secure", "HttpOnly", "SameSite=Strict"] {
            assert!(set.contains(part), "{set}");
        }
        assert!(!set.contains("Domain"));
    }
}
