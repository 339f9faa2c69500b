//! Who is served, for how long, and how many at once.

use super::*;

#[test]
fn rights_end_with_the_session_that_gave_them() {
    let somebody = as_somebody(|uid| uid);
    let identify = |wait_ms| {
        let (allow, client_data) = (List::default(), Bytes::default());
        Request::Identify(Identify {
            rp_id: "example.org".parse().unwrap(),
            allow,
            wait_ms,
            client_data,
            every: false,
            more: None,
        })
    };
    // (what the caller does when another session comes to the front)
    let idle: fn(&mut Channel) = |_| {};
    let watching: fn(&mut Channel) =
        |channel| assert!(matches!(ask(channel, &Request::Watch), Reply::Keys(_)));
    for (what, before, waits) in
        [("idle", idle, false), ("watching", watching, false), ("waiting", idle, true)]
    {
        let server = Server::start(somebody, 2);
        let mut channel = as_somebody(|_| server.connect());
        assert!(matches!(ask(&mut channel, &Request::List), Reply::Keys(_)), "{what}");
        before(&mut channel);
        if waits {
            assert_eq!(ask(&mut channel, &identify(60_000)), Reply::Insert, "{what}");
        }
        server.switch_to(somebody + 1);
        let told = channel.receive::<Reply>(soon()).unwrap();
        assert_eq!(code(&told), Some(Code::KeyAccessDenied), "{what}");
        assert!(matches!(channel.receive::<Reply>(soon()), Err(IpcError::Closed)), "{what}");
        eventually("its process ends", || server.workers().len() == 1);
    }
    // And at the very next request, before anybody has looked.
    let server = Server::start(somebody, 2);
    let mut channel = as_somebody(|_| server.connect());
    assert!(matches!(ask(&mut channel, &Request::List), Reply::Keys(_)));
    server.switch_to(somebody + 1);
    // The parent may have been quicker.
    let _ = channel.send(&Request::SetPin(pin()), soon());
    assert_eq!(code(&channel.receive(soon()).unwrap()), Some(Code::KeyAccessDenied));
}

#[test]
fn the_rights_of_root_and_of_the_agent_do_not_end_with_a_session() {
    let somebody = as_somebody(|uid| uid);
    let server = Server::start(1, somebody);
    let mut channels = vec![as_somebody(|_| server.connect())];
    if nix::unistd::geteuid().is_root() {
        channels.push(server.connect());
    }
    for channel in &mut channels {
        assert!(matches!(ask(channel, &Request::List), Reply::Keys(_)));
    }
    server.switch_to(3);
    std::thread::sleep(Duration::from_millis(600));
    for channel in &mut channels {
        assert!(matches!(ask(channel, &Request::List), Reply::Keys(_)));
    }
}

#[test]
fn callers_are_judged_by_their_uid() {
    const SOMEBODY_ELSE: u32 = 54321;
    let requests = || {
        let identify = Identify {
            rp_id: "example.org".parse().unwrap(),
            allow: List::default(),
            wait_ms: 0,
            client_data: Bytes::default(),
            every: false,
            more: None,
        };
        [
            (Request::List, false),
            (Request::Identify(identify), false),
            (Request::SetPin(pin()), true),
        ]
    };
    let somebody = as_somebody(|uid| uid);
    for (active, agent, may_list, may_send_pin) in [
        (somebody, SOMEBODY_ELSE, true, true),
        (SOMEBODY_ELSE, somebody, true, false),
        (SOMEBODY_ELSE, SOMEBODY_ELSE, false, false),
    ] {
        let server = Server::start(active, agent);
        for (request, takes_pin) in requests() {
            let refused = as_somebody(|_| {
                let mut channel = server.connect();
                // One who may do nothing may have been hung up on already.
                let _ = channel.send(&request, soon());
                code(&channel.receive(soon()).unwrap()) == Some(Code::KeyAccessDenied)
            });
            assert_eq!(
                !refused,
                if takes_pin { may_send_pin } else { may_list },
                "{active} {agent} {request:?}"
            );
        }
    }
}

#[test]
fn connections_of_one_user_are_bounded_and_root_still_gets_in() {
    let somebody = as_somebody(|uid| uid);
    let server = Server::start(somebody, 2);
    let mut held: Vec<Channel> = as_somebody(|_| (0..12).map(|_| server.connect()).collect());
    let served = held
        .iter_mut()
        .filter_map(|channel| {
            channel.send(&Request::List, soon()).ok()?;
            channel.receive::<Reply>(soon()).ok()
        })
        .count();
    assert_eq!(served, 8);
    if nix::unistd::geteuid().is_root() {
        assert!(matches!(ask(&mut server.connect(), &Request::List), Reply::Keys(_)));
    }
    drop(held);
    as_somebody(|_| {
        eventually("room again", || {
            let mut channel = server.connect();
            channel.send(&Request::List, soon()).is_ok() && channel.receive::<Reply>(soon()).is_ok()
        });
    });
}

/// Connects to the socket of another test's server; says how many of twelve connections are served.
#[test]
#[ignore = "started by the test below, as a program with the setuid bit"]
fn connects_a_dozen_times() {
    let path = PathBuf::from(std::env::var_os("WARDKEY_TEST_SOCKET").unwrap());
    let mut held: Vec<Channel> =
        (0..12).map(|_| Channel::connect(&path, None, MAX_KEY_FRAME, soon()).unwrap()).collect();
    let served = held
        .iter_mut()
        .filter_map(|channel| {
            channel.send(&Request::List, soon()).ok()?;
            channel.receive::<Reply>(soon()).ok()
        })
        .count();
    println!("served {served}");
}

#[test]
fn what_a_user_starts_as_root_counts_against_that_user() {
    if !nix::unistd::geteuid().is_root() {
        // Only root can start a program as somebody with root's rights.
        return;
    }
    let server = Server::start(1, 2);
    // Where this test descends from a login, that is who starts a plain program of root's.
    let login = fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    let of_root =
        if ["", "0", "4294967295"].contains(&login.trim()) { "served 12" } else { "served 8" };
    for (real, expected) in [(NOBODY, "served 8"), (0, of_root)] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--ignored", "--exact", "callers::connects_a_dozen_times", "--nocapture"])
            .env("WARDKEY_TEST_SOCKET", server.path());
        // SAFETY: one system call without pointers between fork and exec, as su's setuid bit has
        // it.
        unsafe {
            command.pre_exec(move || {
                if libc::setresuid(real, 0, 0) == 0 {
                    Ok(())
                } else {
                    Err(std::io::Error::last_os_error())
                }
            });
        }
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && told.contains(expected), "{real}: {told}");
    }
}
