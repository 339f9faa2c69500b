//! Who is served, and what ends a conversation.

use super::*;

#[test]
fn a_stranger_is_told_and_hung_up_on() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    refuse(Channel::new(theirs, MAX_KEY_FRAME).unwrap());
    let mut channel = Channel::new(ours, MAX_KEY_FRAME).unwrap();
    assert_eq!(code(&channel.receive(soon()).unwrap()), Code::KeyAccessDenied);
    assert!(matches!(channel.receive::<Reply>(soon()), Err(IpcError::Closed)));
}

#[test]
fn nonsense_ends_the_connection() {
    use std::io::Write;
    for (frame, told) in [
        (&[0, 0, 0, 2, 0xff, 0xff][..], true),
        (&[0xff, 0xff, 0xff, 0xff][..], false),
        (&[0, 0, 0, 0][..], false),
    ] {
        let client = Client::new(Caller::Root, || vec![good()]);
        {
            let channel = client.channel.borrow();
            let fd = channel.as_ref().unwrap().as_fd().try_clone_to_owned().unwrap();
            UnixStream::from(fd).write_all(frame).unwrap();
        }
        if told {
            assert_eq!(code(&client.receive()), Code::ProtocolError);
        }
        assert!(client.hangs_up());
    }
}
