use super::*;

#[test]
fn an_address_without_a_port_means_that_of_the_server() {
    for (typed, address) in [
        ("https://s", "https://s:8443"),
        ("https://s/", "https://s:8443"),
        ("https://s:443", "https://s:443"),
        ("https://10.0.0.1:8444/", "https://10.0.0.1:8444"),
        ("https://[fe80::1]", "https://[fe80::1]:8443"),
        ("https://[fe80::1]:443", "https://[fe80::1]:443"),
    ] {
        assert_eq!(server(typed).unwrap(), address);
    }
}

#[test]
fn arguments_are_consistent_and_bad_ones_are_refused() {
    crate::command().debug_assert();
    let parse = |line: &str| Cli::try_parse_from(line.split(' '));
    for good in [
        "wardkey status",
        "wardkey --json --lang en status",
        "wardkey sync --json",
        "wardkey who --json",
        "wardkey who --search hanako",
        "wardkey key list --search yubi",
        "wardkey try hanako",
        "wardkey try hanako --account ward3 --service lightdm --key --json",
        "wardkey join --server https://s:8443/ --token wkj2-x",
        "wardkey join --server https://10.0.0.1 --token-file - --name 病棟3 --anchor /a \
         --leave-deployment",
        "wardkey join --server https://s --token t --replace",
        "wardkey enable",
        "wardkey enable --confirm --json",
        "wardkey enable --within 30",
        "wardkey disable --unconfirmed --after 120",
        "wardkey config check --pam /a --agent /b",
        "wardkey config check --watch",
        "wardkey config edit",
        "wardkey doctor",
        "wardkey doctor --record --json",
        "wardkey doctor --accept kde-fingerprint --reason no",
        "wardkey enroll",
        "wardkey enroll --code A --label 予備",
        "wardkey enroll --desk",
        "wardkey enroll-console enable",
        "wardkey enroll-console disable",
        "wardkey enroll-console status --json",
        "wardkey enroll-console run",
        "wardkey key list",
        "wardkey key info",
        "wardkey enrol --code A",
        "wardkey key change-pin --key-socket /s",
    ] {
        assert!(parse(good).is_ok(), "{good}");
    }
    for wrong in [
        "wardkey",
        "wardkey key",
        "wardkey try",
        "wardkey try hanako --service ../x",
        "wardkey status --lang fr",
        "wardkey join --server https://s",
        "wardkey join --token t",
        "wardkey join --server https://s --token t --token-file f",
        "wardkey join --server http://s --token t",
        "wardkey join --server https:// --token t",
        "wardkey join --server https://u@s --token t",
        "wardkey join --server https://s/path --token t",
        "wardkey join --server https://s --token t --name \u{1b}x",
        "wardkey enroll --pin 1234",
        "wardkey enroll --desk --code A",
        "wardkey enable --yes",
        "wardkey enable --within 1",
        "wardkey enable --within 31",
        "wardkey enable --force",
        "wardkey disable --after 5",
        "wardkey config",
        "wardkey config edit --force",
        "wardkey doctor --accept kde-fingerprint",
        "wardkey doctor --reason no",
        "wardkey doctor --record --accept a --reason b",
    ] {
        assert_eq!(parse(wrong).err().expect(wrong).exit_code(), 2, "{wrong}");
    }
}
