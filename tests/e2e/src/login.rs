//! A person at a login: the real libpam in a process of its own, its prompts answered as told.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use wardkey_core::code::AnyCode;
use wardkey_core::name::Language;
use wardkey_core::texts;

use crate::paths;
use crate::process::wait_for;
use crate::terminal::{PIN, SERVICE};

/// A login that is about to begin.
#[derive(Clone, Debug)]
pub struct Login {
    arguments: Vec<String>,
    answers: Vec<String>,
}

impl Login {
    /// `user` at the staff login of tty1, who will type the right PIN.
    pub fn of(user: &str) -> Self {
        Self::at(SERVICE, user).answer(PIN)
    }

    /// `user` at a PAM service; no answers yet.
    pub fn at(service: &str, user: &str) -> Self {
        let arguments = ["--service", service, "--user", user, "--tty", "tty1"];
        Self { arguments: arguments.map(str::to_owned).to_vec(), answers: Vec::new() }
    }

    /// The staff login before anyone has said who it is.
    pub fn at_nobody() -> Self {
        Self {
            arguments: ["--service", SERVICE, "--tty", "tty1"].map(str::to_owned).to_vec(),
            answers: Vec::new(),
        }
    }

    /// Further arguments of the PAM client.
    #[must_use]
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// The next answer.
    #[must_use]
    pub fn answer(mut self, answer: &str) -> Self {
        self.answers.push(answer.to_owned());
        self
    }

    /// Other answers than those so far.
    #[must_use]
    pub fn answers(mut self, answers: &[&str]) -> Self {
        self.answers = answers.iter().map(|answer| (*answer).to_owned()).collect();
        self
    }

    /// Begins.
    pub fn start(&self) -> Running {
        let mut command = Command::new(paths::test_program("wardkey-pamclient"));
        command.args(&self.arguments);
        for answer in &self.answers {
            command.arg("--answer").arg(answer);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("PAM client");
        let events: Arc<Mutex<Vec<Value>>> = Arc::default();
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let reader = {
            let events = events.clone();
            std::thread::spawn(move || {
                for line in lines.map_while(Result::ok) {
                    let value = serde_json::from_str(&line)
                        .unwrap_or_else(|error| panic!("{error}: {line}"));
                    events.lock().unwrap().push(value);
                }
            })
        };
        Running { child, events, reader: Some(reader), started: Instant::now() }
    }

    /// A person types and touches: messages and prompts go to the controlling terminal.
    pub fn interactive(&self) -> Ended {
        let started = Instant::now();
        let output = Command::new(paths::test_program("wardkey-pamclient"))
            .args(&self.arguments)
            .arg("--interactive")
            .stdin(Stdio::inherit())
            .stderr(Stdio::inherit())
            .output()
            .expect("PAM client");
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        let events = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ended { code: output.status.code(), events, errors: String::new(), took: started.elapsed() }
    }

    /// Begins and waits for the end.
    pub fn run(&self) -> Ended {
        self.start().end()
    }
}

/// A login under way.
pub struct Running {
    child: Child,
    events: Arc<Mutex<Vec<Value>>>,
    reader: Option<std::thread::JoinHandle<()>>,
    started: Instant,
}

impl Running {
    /// Process id of the PAM application.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Texts shown so far: messages and prompts.
    pub fn texts(&self) -> Vec<String> {
        texts(&self.events.lock().unwrap())
    }

    /// Waits until the sentence of a code is shown, in either language.
    pub fn wait_code(&self, code: impl Into<AnyCode>) {
        let code = code.into();
        wait_for(&format!("{code} among {:?}", self.texts()), Duration::from_secs(60), || {
            self.texts().iter().any(|text| says(text, code)).then_some(())
        });
    }

    /// Waits until a prompt without echo is shown.
    pub fn wait_prompt(&self) {
        wait_for("the question", Duration::from_secs(60), || {
            let events = self.events.lock().unwrap();
            events.iter().any(|event| event["style"] == "prompt_echo_off").then_some(())
        });
    }

    /// Waits until a call of libpam has returned.
    pub fn wait_result(&self, call: &str) {
        let what = format!("{call} among {:?}", self.texts());
        wait_for(&what, Duration::from_secs(60), || {
            let events = self.events.lock().unwrap();
            let is_it = |event: &Value| event["event"] == "result" && event["call"] == call;
            events.iter().any(is_it).then_some(())
        });
    }

    /// Whether it is still under way.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_none()
    }

    /// Ends the application as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let limit = self.started + Duration::from_secs(120);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                break status;
            }
            assert!(Instant::now() < limit, "the login does not end: {:?}", self.texts());
            std::thread::sleep(Duration::from_millis(2));
        };
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reader");
        }
        let mut errors = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = std::io::Read::read_to_string(&mut stderr, &mut errors);
        }
        let events = self.events.lock().unwrap().clone();
        Ended { code: status.code(), events, errors, took: self.started.elapsed() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a login ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Exit status of the PAM application: 0 when the person is in, 3 after an unexpected prompt.
    pub code: Option<i32>,
    /// What happened, in order.
    pub events: Vec<Value>,
    /// What it wrote to stderr.
    pub errors: String,
    /// From start to end.
    pub took: Duration,
}

impl Ended {
    /// Whether authentication and account phase both succeeded.
    pub fn is_in(&self) -> bool {
        self.code == Some(0)
    }

    /// What was shown: messages and prompts.
    pub fn texts(&self) -> Vec<String> {
        texts(&self.events)
    }

    /// The prompts that were asked without echo.
    pub fn secret_prompts(&self) -> Vec<String> {
        let prompts = self.events.iter().filter(|event| event["style"] == "prompt_echo_off");
        prompts.filter_map(|event| Some(event["text"].as_str()?.to_owned())).collect()
    }

    /// The stable codes that were shown, without `WK-`.
    pub fn codes(&self) -> Vec<u16> {
        self.texts()
            .iter()
            .flat_map(|text| text.split("WK-").skip(1).map(str::to_owned).collect::<Vec<_>>())
            .filter_map(|rest| rest.get(..4)?.parse().ok())
            .collect()
    }

    /// Whether the sentence of a code was shown, in either language.
    pub fn said(&self, code: impl Into<AnyCode>) -> bool {
        let code = code.into();
        self.texts().iter().any(|text| says(text, code))
    }

    /// The result of a PAM call, for example `PAM_AUTH_ERR`.
    pub fn result(&self, call: &str) -> Option<String> {
        let event =
            self.events.iter().find(|event| event["event"] == "result" && event["call"] == call)?;
        Some(event["name"].as_str()?.to_owned())
    }

    /// A variable of the PAM environment.
    pub fn env(&self, name: &str) -> Option<String> {
        let event =
            self.events.iter().find(|event| event["event"] == "env" && event["name"] == name)?;
        Some(event["value"].as_str()?.to_owned())
    }

    /// Fails the test unless the person is in.
    pub fn expect_in(self) -> Self {
        assert!(self.is_in(), "refused: {:#?}\n{}", self, crate::process::all_logs());
        self
    }

    /// Fails the test unless the login was refused with this PAM result, and this code was shown
    /// last.
    pub fn expect_refused(self, result: &str, code: u16) -> Self {
        assert_eq!(
            self.result("authenticate").as_deref(),
            Some(result),
            "{:#?}\n{}",
            self,
            crate::process::all_logs()
        );
        assert_eq!(self.codes().last(), Some(&code), "{:#?}\n{}", self, crate::process::all_logs());
        assert_ne!(self.code, Some(0));
        self
    }
}

/// Whether a text begins as the sentence of a code does, up to its first argument.
fn says(text: &str, code: AnyCode) -> bool {
    [Language::Ja, Language::En].iter().any(|language| {
        let sentence = texts::message(code, *language, &[]);
        // What stands in the place of an argument is not known here.
        match sentence.split_once('…') {
            Some(("", after)) => {
                let part = after.split('…').max_by_key(|part| part.len()).unwrap_or_default();
                !part.is_empty() && text.contains(part)
            }
            Some((before, _)) => text.starts_with(before),
            None => text.starts_with(&sentence),
        }
    })
}

fn texts(events: &[Value]) -> Vec<String> {
    let messages = events.iter().filter(|event| event["event"] == "message");
    messages.filter_map(|event| Some(event["text"].as_str()?.to_owned())).collect()
}
