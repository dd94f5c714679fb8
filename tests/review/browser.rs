//! A browser on strings: ChromeDriver over plain HTTP, nothing else.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Flags with which Chromium runs as root, in a sandbox, without a network.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// ChromeDriver, and the port that it listens on.
fn start_driver() -> Result<(Child, u16), String> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("chromedriver does not start: {error}"))?;
    let mut lines = BufReader::new(driver.stdout.take().ok_or("no output")?).lines();
    let named = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.rsplit_once("successfully on port ")?.1.trim_end_matches('.').parse().ok());
    let Some(port) = named else {
        let ended = driver.wait().map_err(|error| error.to_string())?;
        return Err(format!("chromedriver names no port: {ended}"));
    };
    // Its later lines are of no use, but somebody has to take them.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    Ok((driver, port))
}

/// A browser with one window.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts a browser, or says why there is none.
    pub fn start(width: u32, height: u32) -> Result<Self, String> {
        // It takes one port on two addresses: another driver may be quicker on the second.
        let (driver, port) = start_driver().or_else(|_| start_driver()).or_else(|_| start_driver())?;
        let profile = tempfile::TempDir::new().map_err(|error| error.to_string())?;
        let mut flags: Vec<String> = FLAGS.iter().map(|&flag| flag.to_owned()).collect();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        flags.push(format!("--window-size={width},{height}"));
        let mut browser = Browser { driver, port, session: String::new(), _profile: profile };
        let options = json!({ "args": flags });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" }, "unhandledPromptBehavior": "accept" } } });
        let answer = browser.call("POST", "/session", Some(&wanted))?;
        browser.session = answer["sessionId"].as_str().ok_or(format!("no session: {answer}"))?.to_owned();
        Ok(browser)
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).map_err(|error| error.to_string())?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: localhost:{}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        )
        .map_err(|error| error.to_string())?;
        let reply = super::client::read_reply(&mut BufReader::new(stream)).ok_or("no reply of chromedriver")?;
        let value = reply.json()["value"].clone();
        if reply.status == 200 { Ok(value) } else { Err(format!("{path}: {value}")) }
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = (method == "POST").then_some(body);
        self.call(method, &format!("/session/{}{path}", self.session), body).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn open(&self, address: &str) {
        self.send("POST", "/url", &json!({ "url": address }));
    }

    pub fn reload(&self) {
        self.send("POST", "/refresh", &json!({}));
    }

    /// Runs a script and gives what it returns.
    pub fn run(&self, script: &str) -> Value {
        self.send("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits for a script to return something true.
    pub fn wait(&self, what: &str, script: &str) -> Value {
        let since = Instant::now();
        loop {
            let value = self.run(script);
            if value != Value::Null && value != json!(false) && value != json!("") {
                return value;
            }
            if since.elapsed() > Duration::from_secs(15) {
                let page = self.run("return document.body.innerText.slice(0, 2000)");
                panic!("waited in vain for {what}; the page says: {page}; the console: {}", self.console());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the page shows these words.
    pub fn wait_text(&self, words: &str) {
        self.wait(words, &format!("return document.body.innerText.includes({})", json!(words)));
    }

    /// Presses keys: characters, or names such as `Enter`; `Shift+ArrowDown` holds Shift.
    pub fn keys(&self, keys: &[&str]) {
        let mut steps = Vec::new();
        for key in keys {
            let (shift, name) = match key.strip_prefix("Shift+") {
                Some(name) => (true, name),
                None => (key.len() == 1 && key.chars().all(char::is_uppercase), *key),
            };
            let value = code_point(name);
            if shift {
                steps.push(json!({ "type": "keyDown", "value": "\u{E008}" }));
            }
            steps.push(json!({ "type": "keyDown", "value": value }));
            steps.push(json!({ "type": "keyUp", "value": value }));
            if shift {
                steps.push(json!({ "type": "keyUp", "value": "\u{E008}" }));
            }
        }
        self.send("POST", "/actions", &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": steps }] }));
    }

    /// Types text, letter by letter.
    pub fn type_text(&self, text: &str) {
        let letters: Vec<String> = text.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        self.keys(&letters);
    }

    /// What the console said: errors, and breaches of the page's policy.
    pub fn console(&self) -> Value {
        self.call("POST", &format!("/session/{}/se/log", self.session), Some(&json!({ "type": "browser" })))
            .unwrap_or_default()
    }

    /// Sets what the page is told about light, dark and other wishes.
    pub fn prefer(&self, scheme: &str) {
        let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.cdp("Emulation.setEmulatedMedia", &json!({ "features": feature }));
    }

    /// Says to the page that its reader wants no motion.
    pub fn calm(&self) {
        let feature = json!([{ "name": "prefers-reduced-motion", "value": "reduce" }]);
        self.cdp("Emulation.setEmulatedMedia", &json!({ "features": feature }));
    }

    /// Role and name of everything that a screen reader finds.
    pub fn heard(&self) -> Vec<(String, String)> {
        let tree = self.cdp("Accessibility.getFullAXTree", &json!({}));
        let nodes = tree["nodes"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
        let shown = nodes.iter().filter(|node| node["ignored"] != true);
        shown.map(|node| (text(&node["role"]), text(&node["name"]))).collect()
    }

    /// Sets the window: size in CSS pixels and zoom.
    pub fn resize(&self, width: u32, height: u32, zoom: f64) {
        let shown = |n: u32| (f64::from(n) / zoom) as u32;
        let metrics =
            json!({ "width": shown(width), "height": shown(height), "deviceScaleFactor": zoom, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", &metrics);
    }

    fn cdp(&self, command: &str, params: &Value) -> Value {
        self.send("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": params }))
    }

    /// Writes a picture of the window.
    pub fn picture(&self, path: &Path) {
        let picture = self.send("GET", "/screenshot", &Value::Null);
        std::fs::write(path, base64(picture.as_str().unwrap_or_default())).unwrap();
    }

    /// A second tab, which becomes the one in front; gives the handles of the old and the new one.
    pub fn new_tab(&self) -> (String, String) {
        let old = self.send("GET", "/window", &Value::Null);
        let new = self.send("POST", "/window/new", &json!({ "type": "tab" }));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.to_tab(&text(&new["handle"]));
        (text(&old), text(&new["handle"]))
    }

    pub fn to_tab(&self, handle: &str) {
        self.send("POST", "/window", &json!({ "handle": handle }));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.call("DELETE", &format!("/session/{}", self.session), None);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn code_point(name: &str) -> String {
    let special = match name {
        "Enter" => '\u{E007}',
        "Escape" => '\u{E00C}',
        "Tab" => '\u{E004}',
        "ArrowLeft" => '\u{E012}',
        "ArrowUp" => '\u{E013}',
        "ArrowRight" => '\u{E014}',
        "ArrowDown" => '\u{E015}',
        other => return other.to_owned(),
    };
    special.to_string()
}

fn base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'a'..=b'z' => u32::from(byte - b'a') + 26,
        b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'=').collect();
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for chunk in digits.chunks(4) {
        let bits = chunk.iter().fold(0u32, |bits, &digit| bits << 6 | value(digit)) << (6 * (4 - chunk.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..chunk.len()]);
    }
    bytes
}
