//! The firmware, running: three threads per key, each asleep until it is
//! called.
//!
//! ```text
//!  Input::Report ─> hid thread ── request ──> app thread ── syscall ──> service
//!                   (CTAPHID)  <── Answer ──  (CTAP)     <── done ───  (trussed)
//! ```

use std::{
    fs::File,
    io::Read as _,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use ctaphid_dispatch::{Channel, DEFAULT_MESSAGE_SIZE, Dispatch, Requester};
use fido_authenticator::{Authenticator, Config, Conforming, FirmwareVersion};
use littlefs2_core::path;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use ref_swap::OptionRefSwap;
use trussed::{
    backend::BackendId,
    pipe::{ServiceEndpoint, TrussedChannel},
    platform::Platform as _,
    service::Service,
    store::Store as _,
    types::CoreContext,
    virt,
};
use trussed_core::InterruptFlag;
use trussed_staging::virt::{BackendIds, Dispatcher};
use usb_device::{
    bus::{UsbBus, UsbBusAllocator},
    class::UsbClass as _,
    device::{StringDescriptors, UsbDeviceBuilder, UsbVidPid},
};
use usbd_ctaphid::CtapHid;

use crate::{
    attestation,
    bus::{ReportBus, Wires},
    error::Error,
    memory::Memory,
    message::Report,
    touch::Touch,
};

/// CTAP 2.1, 11.2.9.2.1 wants a keep-alive at least every 100 ms.
const KEEPALIVE: Duration = Duration::from_millis(80);
/// How long after a report the class's own time-outs (550 ms) are looked after.
const ATTENTIVE: Duration = Duration::from_secs(1);
const STACK: usize = 8 << 20;

/// What wakes the hid thread.
pub(crate) enum Input {
    /// From the host.
    Report(Report),
    /// The application has answered the request that it was given.
    Answer,
    Stop,
}

/// What the firmware is built with.
#[derive(Clone)]
pub(crate) struct Build {
    pub(crate) touch: Touch,
    pub(crate) presence_timeout: Option<Duration>,
    pub(crate) memory: Memory,
}

pub(crate) type Output = Box<dyn FnMut(Report) + Send>;

/// How the firmware meets its host.
pub(crate) enum Attachment {
    /// Reports one by one.
    Reports(Output),
    /// As a USB device with this vendor and product id, offered over USB/IP.
    UsbIp { vendor: u16, product: u16 },
}

/// A running firmware. Dropping it ends its threads.
pub(crate) struct Firmware {
    input: Sender<Input>,
    touch: Touch,
    interrupt: &'static InterruptFlag,
    thread: Option<thread::JoinHandle<()>>,
}

impl Firmware {
    pub(crate) fn start(build: Build, attachment: Attachment) -> Result<Self, Error> {
        let mut seed = [0; 32];
        let entropy = "/dev/urandom";
        File::open(entropy)
            .and_then(|mut file| file.read_exact(&mut seed))
            .map_err(Error::io(entropy))?;
        let (input, inputs) = mpsc::channel();
        // The firmware's interfaces want a static one; a byte per key is lost.
        let interrupt: &'static InterruptFlag = Box::leak(Box::default());
        let touch = build.touch.clone();
        let answers = input.clone();
        let thread = thread::Builder::new()
            .name("softkey".into())
            .stack_size(STACK)
            .spawn(move || run(seed, build, interrupt, attachment, answers, inputs))
            .map_err(Error::Thread)?;
        Ok(Self { input, touch, interrupt, thread: Some(thread) })
    }

    pub(crate) fn send(&self, input: Input) {
        self.input.send(input).ok();
    }
}

impl Drop for Firmware {
    fn drop(&mut self) {
        self.touch.close();
        self.interrupt.interrupt();
        self.input.send(Input::Stop).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn run(
    seed: [u8; 32],
    build: Build,
    interrupt: &'static InterruptFlag,
    attachment: Attachment,
    answers: Sender<Input>,
    inputs: Receiver<Input>,
) {
    virt::with_platform(build.memory.store(), |mut platform| {
        // Its own seed is a constant: every key would make the same secrets.
        *platform.rng() = ChaCha8Rng::from_seed(seed);
        platform.user_interface().set_inner(Box::new(build.touch.clone()));
        let files = platform.store();
        let folders = [path!("fido/x5c"), path!("fido/sec")];
        for folder in folders {
            files.ifs().create_dir_all(folder).expect("a fresh or own file system");
        }
        files
            .ifs()
            .write(path!("fido/x5c/00"), attestation::CERTIFICATE_DER)
            .and_then(|()| files.ifs().write(path!("fido/sec/00"), &attestation::stored_key()))
            .expect("room for the attestation");

        let syscalls = TrussedChannel::new();
        let (requester, responder) = syscalls.split().expect("a channel is split once");
        let (call, calls) = mpsc::channel();
        let (done, dones) = mpsc::channel();
        let client = trussed::ClientImplementation::<Syscall, Dispatcher>::new(
            requester,
            Syscall { call, done: dones },
            Some(interrupt),
        );
        // virt::Runner would drop the interrupt and sleep a millisecond per call.
        let mut endpoints = vec![ServiceEndpoint::new(
            responder,
            CoreContext::with_interrupt(path!("fido").into(), Some(interrupt)),
            &[BackendId::Custom(BackendIds::StagingBackend), BackendId::Core],
        )];
        let mut app = Authenticator::new(
            client,
            Conforming {},
            Config {
                max_resident_credential_count: Some(100),
                firmware_version: Some(FirmwareVersion::new(1)),
                fido2_up_timeout: build.presence_timeout.map(|t| t.as_millis() as u32),
                ..Config::new(DEFAULT_MESSAGE_SIZE)
            },
        );
        let working: &'static OptionRefSwap<'static, InterruptFlag> =
            Box::leak(Box::new(OptionRefSwap::new(None)));
        let messages: Channel<DEFAULT_MESSAGE_SIZE> = Channel::new();
        let (host_side, app_side) = messages.split().expect("a channel is split once");
        let (request, requests) = mpsc::channel();
        let touch = build.touch;

        thread::scope(|scope| {
            let after_call = touch.clone();
            let service = thread::Builder::new().name("softkey-service".into());
            service
                .stack_size(STACK)
                .spawn_scoped(scope, move || {
                    let mut service = Service::with_dispatch(platform, Dispatcher::default());
                    for () in calls {
                        service.process(&mut endpoints);
                        after_call.finished_request();
                        if done.send(()).is_err() {
                            return;
                        }
                    }
                })
                .expect("a thread");
            let dispatch = thread::Builder::new().name("softkey-app".into());
            dispatch
                .stack_size(STACK)
                .spawn_scoped(scope, move || {
                    let mut dispatch = Dispatch::with_interrupt(app_side, Some(working));
                    for () in requests {
                        dispatch.poll(&mut [&mut app]);
                        if answers.send(Input::Answer).is_err() {
                            return;
                        }
                    }
                })
                .expect("a thread");
            let hid = Hid { host_side, working, touch, request, inputs };
            match attachment {
                Attachment::Reports(output) => hid.serve_reports(output),
                Attachment::UsbIp { vendor, product } => hid.serve_usbip(vendor, product),
            }
        });
    });
}

/// Hands a request to the service and waits for it, so that trussed's client
/// finds its answer at the first look instead of spinning for it.
struct Syscall {
    call: Sender<()>,
    done: Receiver<()>,
}

impl trussed::platform::Syscall for Syscall {
    fn syscall(&mut self) {
        if self.call.send(()).is_ok() {
            self.done.recv().ok();
        }
    }
}

struct Hid<'a> {
    host_side: Requester<'a, DEFAULT_MESSAGE_SIZE>,
    working: &'static OptionRefSwap<'static, InterruptFlag>,
    touch: Touch,
    request: Sender<()>,
    inputs: Receiver<Input>,
}

type Class<'a, Bus> = CtapHid<'a, 'a, 'static, Bus, DEFAULT_MESSAGE_SIZE>;

fn class<'a, Bus: UsbBus>(
    allocator: &'a UsbBusAllocator<Bus>,
    host_side: Requester<'a, DEFAULT_MESSAGE_SIZE>,
    working: &'static OptionRefSwap<'static, InterruptFlag>,
) -> Class<'a, Bus> {
    CtapHid::with_interrupt(allocator, host_side, Some(working), 0)
        .implements_ctap1()
        .implements_ctap2()
        .implements_wink()
}

impl Hid<'_> {
    fn serve_reports(self, mut output: Output) {
        let wires = Wires::default();
        let allocator = UsbBusAllocator::new(ReportBus::new(wires.clone()));
        let mut hid = class(&allocator, self.host_side, self.working);
        // Building the device is what enables the bus and its endpoints.
        let _device = UsbDeviceBuilder::new(&allocator, UsbVidPid(0, 0)).build();
        let (from_host, to_host) = (hid.pipe().read_address(), hid.pipe().write_address());
        let start = Instant::now();
        let mut attentive_until = start;
        let mut keepalive: Option<Instant> = None;
        loop {
            let now = Instant::now();
            let wait = match keepalive {
                Some(due) => Some(due.saturating_duration_since(now)),
                None => (now < attentive_until).then_some(Duration::from_millis(100)),
            };
            let input = match wait {
                Some(wait) => self.inputs.recv_timeout(wait),
                None => self.inputs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match input {
                Ok(Input::Report(report)) => {
                    attentive_until = Instant::now() + ATTENTIVE;
                    wires.put(report);
                    hid.endpoint_out(from_host);
                    self.touch.wake();
                }
                Ok(Input::Answer) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Input::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
            hid.check_timeout(start.elapsed().as_millis() as u32);
            hid.poll();
            if hid.pipe().did_start_processing() {
                self.request.send(()).ok();
                keepalive = Some(Instant::now() + KEEPALIVE);
            }
            if keepalive.is_some_and(|due| due <= Instant::now()) {
                let sent = hid.pipe().send_keepalive(self.touch.is_waiting());
                keepalive = sent.then(|| Instant::now() + KEEPALIVE);
            }
            while let Some(report) = wires.take() {
                output(report);
                hid.endpoint_in_complete(to_host);
            }
        }
    }

    /// As a whole USB device. The crate for USB/IP can only be polled, so this
    /// one sleeps between looks; it serves virtual machines, not benchmarks.
    fn serve_usbip(self, vendor: u16, product: u16) {
        let allocator = UsbBusAllocator::new(usbip_device::UsbIpBus::new());
        let mut hid = class(&allocator, self.host_side, self.working);
        let strings = StringDescriptors::default()
            .manufacturer("Wardkey")
            .product("Software security key")
            .serial_number("0001");
        let mut device = UsbDeviceBuilder::new(&allocator, UsbVidPid(vendor, product))
            .strings(&[strings])
            .expect("one language")
            .max_packet_size_0(64)
            .expect("a size that USB knows")
            .build();
        let mut keepalive: Option<Instant> = None;
        loop {
            match self.inputs.recv_timeout(Duration::from_millis(2)) {
                Ok(Input::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            }
            if device.poll(&mut [&mut hid]) {
                self.touch.wake();
            }
            hid.poll();
            if hid.pipe().did_start_processing() {
                self.request.send(()).ok();
                keepalive = Some(Instant::now() + KEEPALIVE);
            }
            if keepalive.is_some_and(|due| due <= Instant::now()) {
                let sent = hid.pipe().send_keepalive(self.touch.is_waiting());
                keepalive = sent.then(|| Instant::now() + KEEPALIVE);
            }
        }
    }
}
