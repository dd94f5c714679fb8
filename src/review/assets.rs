//! The page's own files, inside the program. No file is ever served by name from a disk.

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Kind and content of the file at this address.
pub fn find(path: &str) -> Option<(&'static str, &'static str)> {
    ASSETS.iter().find(|(address, ..)| *address == path).map(|(_, kind, text)| (*kind, *text))
}

/// All addresses.
pub const ASSETS: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("assets/index.html")),
    ("/assets/style.css", CSS, include_str!("assets/style.css")),
    ("/assets/icon.svg", SVG, include_str!("assets/icon.svg")),
    ("/assets/app.js", JS, include_str!("assets/app.js")),
    ("/assets/dom.js", JS, include_str!("assets/dom.js")),
    ("/assets/server.js", JS, include_str!("assets/server.js")),
    ("/assets/keys.js", JS, include_str!("assets/keys.js")),
    ("/assets/words.js", JS, include_str!("assets/words.js")),
    ("/assets/pick.js", JS, include_str!("assets/pick.js")),
    ("/assets/filters.js", JS, include_str!("assets/filters.js")),
    ("/assets/queue.js", JS, include_str!("assets/queue.js")),
    ("/assets/transcript.js", JS, include_str!("assets/transcript.js")),
    ("/assets/table.js", JS, include_str!("assets/table.js")),
    ("/assets/progress.js", JS, include_str!("assets/progress.js")),
    ("/assets/adjudicate.js", JS, include_str!("assets/adjudicate.js")),
    ("/assets/codebook.js", JS, include_str!("assets/codebook.js")),
];
