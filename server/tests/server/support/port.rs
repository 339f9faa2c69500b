//! Ports of the loopback interface for peers that come and go, and a peer that reads.

use std::io::Read;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex};

use nix::sys::socket;

/// A port that the system gives to nobody else while this lives. Whoever asks for it by its number
/// can listen there, and until then a connection is refused: the socket that holds it does not
/// listen.
pub struct Port {
    pub number: u16,
    _held: OwnedFd,
}

impl Port {
    pub fn held() -> Self {
        let (family, kind) = (socket::AddressFamily::Inet, socket::SockType::Stream);
        let held = socket::socket(family, kind, socket::SockFlag::SOCK_CLOEXEC, None).unwrap();
        // Else nobody could listen beside it; listeners set it too.
        socket::setsockopt(&held, socket::sockopt::ReuseAddr, &true).unwrap();
        let any = socket::SockaddrIn::new(127, 0, 0, 1, 0);
        socket::bind(held.as_raw_fd(), &any).unwrap();
        let bound: socket::SockaddrIn = socket::getsockname(held.as_raw_fd()).unwrap();
        Self { number: bound.port(), _held: held }
    }

    /// A collector that reads each connection to its end, and ends it then. Its thread waits for
    /// the next one as long as the test lives.
    pub fn collect(&self) -> Collected {
        let listener = TcpListener::bind(("127.0.0.1", self.number)).unwrap();
        let collected = Collected(Arc::default());
        let into = Arc::clone(&collected.0);
        std::thread::spawn(move || {
            for mut peer in listener.incoming().map_while(Result::ok) {
                let mut text = String::new();
                if peer.read_to_string(&mut text).is_ok() {
                    into.lock().unwrap().push_str(&text);
                }
            }
        });
        collected
    }
}

/// What a collector has read.
pub struct Collected(Arc<Mutex<String>>);

impl Collected {
    pub fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}
