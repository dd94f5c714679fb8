//! Lexicons as their authors meet them: messages, examples, the difficulties of real speech, and the tools around.

#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

mod support;

use precode::coding::{Coding, PROPOSED};
use precode::examples;
use precode::inspect::near::nearest;
use precode::lexicon::{self, Lexicon, pattern};
use precode::matcher::{Boards, Look};
use precode::pipeline::{Coder, Options};
use precode::store::layout::Study;
use precode::store::reread::Reread;
use precode::store::{rows, seen};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{PRECODE, code, repository, run, stderr};

fn fixture(path: &str) -> PathBuf {
    repository("tests/fixtures").join(path)
}

fn precode(args: &[&str]) -> Command {
    let mut command = Command::new(PRECODE);
    command.args(args).current_dir(repository(""));
    command
}

fn stdout(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

// ---- messages

/// `tests/fixtures/lexicon/mistakes.txt`; after a wanted change: `PRECODE_UPDATE=1 cargo test --test lexicon`.
#[test]
fn every_mistake_is_told_in_one_run() {
    let output = run(&mut precode(&["check", "tests/fixtures/lexicon/mistakes.toml"]), 2);
    let told = stderr(&output) + &stdout(&output);
    let expected = fixture("lexicon/mistakes.txt");
    if std::env::var_os("PRECODE_UPDATE").is_some() {
        fs::write(&expected, &told).unwrap();
    }
    assert_eq!(told, fs::read_to_string(&expected).unwrap());
    let kinds = kinds(&told);
    assert!(kinds.len() >= 30, "{} kinds: {kinds:?}", kinds.len());
}

/// Names of the kinds of messages in a text.
fn kinds(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
    let known = codes_of_the_program();
    words.filter(|word| known.contains(*word)).map(str::to_string).collect()
}

/// Every `"lexicon-…"` in the sources.
fn codes_of_the_program() -> BTreeSet<String> {
    let (mut found, mut waiting) = (BTreeSet::new(), vec![repository("src")]);
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.extend(text.split('"').filter(|word| word.starts_with("lexicon-")).map(str::to_string));
        }
    }
    found
}

#[test]
fn every_message_is_documented_and_no_other() {
    let page = fs::read_to_string(repository("lexicons/README.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `lexicon-")?.split('`').next());
    let documented: BTreeSet<String> = rows.map(|name| format!("lexicon-{name}")).collect();
    assert_eq!(documented, codes_of_the_program());
}

/// What one small file says.
fn told(name: &str, text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let output = precode(&["check"]).arg(folder.path().join(name)).output().unwrap();
    stderr(&output)
}

#[test]
fn every_message_is_given() {
    let mut all = kinds(&fs::read_to_string(fixture("lexicon/mistakes.txt")).unwrap());
    let head = "[codebook]\nname = \"a\"\n[[facet]]\nname = \"f\"\n[[code]]\nname = \"f.c\"\ndefinition = \"d\"\n";
    let rule = "[[rule]]\nid = \"r\"\ncode = \"f.c\"\npattern = \"train\"\nweight = 0.5\n";
    all.extend(kinds(&told("a.toml", "[codebook]\nname = \"never closed\n")));
    all.extend(kinds(&told("b.toml", &format!("{head}{rule}yes = [\"We walk.\"]\nno = [\"We train.\"]\n"))));
    all.extend(kinds(&stderr(&run(&mut precode(&["check", "not-there.toml"]), 2))));
    all.extend(kinds(&told("part.toml", "[lists]\nx = [\"a\"]\n")));
    let dictionary = fixture("dictionaries/small.lcd");
    all.extend(kinds(&stderr(&run(precode(&["import"]).arg(dictionary), 0))));
    // Files beside the codebook that `precode fit` makes are tested with it, and terms of 64 MB where they are refused.
    let elsewhere = ["lexicon-size", "lexicon-stale", "lexicon-confidence", "lexicon-cues"].map(String::from);
    all.extend(elsewhere);
    let missing: Vec<_> = codes_of_the_program().difference(&all).cloned().collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn mistakes_have_their_place_behind_escapes_and_in_long_texts() {
    let text = "[codebook]\nname = \"a\"\n[[facet]]\nname = \"f\"\n[[code]]\nname = \"f.c\"\ndefinition = \"d\"\n\
                [[rule]]\nid = \"r\"\ncode = \"f.c\"\nweight = 0.5\npatterns = [\"\\\"a\\\" )\", '''\nb )''', \"c )\"]\n";
    let found = lexicon::parse("a.toml", text).err().unwrap();
    let places: Vec<_> = found.iter().map(|d| (d.line.unwrap(), d.column.unwrap())).collect();
    assert_eq!(places, [(12, 20), (13, 3), (13, 12)], "{found:#?}");
}

/// A small codebook, with these bytes as a file beside it.
fn with_beside(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let book = folder.path().join("small.toml");
    fs::copy(repository("tests/small.toml"), &book).unwrap();
    fs::write(folder.path().join("small.confidence.json"), FITTED).unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    (folder, book)
}

const FITTED: &str = "{\"schema\":\"precode.fitted-confidence/1\",\"codebook\":\"\",\"fitted_on\":[],\"codes\":{}}";

#[test]
fn a_file_of_a_codebook_that_is_not_utf_8_is_refused_at_its_byte() {
    let cues = b"cue\trole.trainer\ncall\t1\n\tca\xE9l\t1\n";
    let cases: &[(&str, &[u8], &str, &str)] = &[
        ("small.cues.tsv", cues, ":3:4\n", "lexicon-cues"),
        ("small.confidence.json", b"{\n\"codes\": \xFF", ":2:10\n", "lexicon-confidence"),
        ("small.toml", b"[codebook]\nname = \"caf\xE9\"\n", ":2:12\n", "lexicon-read"),
    ];
    for (name, bytes, place, kind) in cases {
        let (folder, book) = with_beside(name, bytes);
        let study = folder.path().join("study");
        for output in [
            run(precode(&["check"]).arg(&book), 2),
            run(&mut code(&repository("corpus/interviews/b01.txt"), &book, &study), 2),
        ] {
            let told = stderr(&output);
            assert!(told.contains(&format!("error[{kind}]: 0x")) && told.contains("is not UTF-8"), "{told}");
            assert!(told.contains(&format!("{name}{place}")), "{told}");
        }
        assert!(!study.exists(), "{name}");
    }
}

#[test]
fn a_broken_fitted_part_is_made_again_by_fit() {
    let (_folder, book) = with_beside("small.cues.tsv", b"cue\trole.trainer\ncall\tmuch\n");
    let told = stderr(&run(precode(&["check"]).arg(&book), 2));
    assert!(told.contains("small.cues.tsv:2:6") && told.contains("make the file again with `precode fit`"), "{told}");
    let practice = repository("corpus/practice/brokering/alder");
    run(precode(&["fit"]).arg(&book).arg("--practice").arg(practice), 0);
    run(precode(&["check"]).arg(&book), 0);
}

#[test]
fn warnings_do_not_fail_and_fix_mends_what_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    let head = "[codebook]\nname = \"a\"\n[[facet]]\nname = \"f\"\n[[code]]\nname = \"f.c\"\ndefinition = \"d\"\n";
    let text = format!(
        "{head}[lists]\nx = [\"b\", \"a\", \"b\"] # why\n[[rule]]\nid = \"r\"\ncode = \"f.c\"\nweight = 0.5\n\
         pattern = \"( @x|c )  d\"\nyes = [\"A d.\", \"B d.\", \"C d.\"]\nno = [\"A.\", \"D.\"]\n"
    );
    fs::write(&file, text).unwrap();
    let output = run(precode(&["check", "--fix"]).arg(&file), 0);
    assert!(stdout(&output).contains("lists.x: sorted"), "{}", stdout(&output));
    let fixed = fs::read_to_string(&file).unwrap();
    assert!(fixed.contains("x = [\"a\", \"b\"] # why") && fixed.contains("\"(@x | c) d\""), "{fixed}");
    assert_eq!(kinds(&stderr(&output)), BTreeSet::from(["lexicon-no-context".to_string()]));
}

#[test]
fn a_part_is_checked_with_the_codebook_that_includes_it() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, part] = ["a.toml", "a.part.toml"].map(|name| folder.path().join(name));
    let head = "[[facet]]\nname = \"f\"\n[[code]]\nname = \"f.c\"\ndefinition = \"d\"\n";
    fs::write(&whole, format!("[codebook]\nname = \"a\"\ninclude = [\"a.part.toml\"]\n{head}")).unwrap();
    fs::write(&part, "[[rule]]\nid = \"r\"\ncode = \"f.c\"\nweight = 0.5\npattern = \"train\"\n").unwrap();
    let both = run(precode(&["check"]).args([&part, &whole]), 0);
    let line = format!("{}: checked with {}\n", part.display(), whole.display());
    assert!(stdout(&both).starts_with(&line) && stdout(&both).contains("1 rule,"), "{}", stdout(&both));
    let alone = stderr(&run(precode(&["check"]).arg(&part), 2));
    assert_eq!(kinds(&alone), BTreeSet::from(["lexicon-part".to_string()]));
    assert!(alone.contains(&format!("`precode check {}`", whole.display())), "{alone}");
}

#[test]
fn what_is_meant_is_not_warned_of() {
    let codes = "[[code]]\nname = \"f.c\"\ndefinition = \"d\"\nopposite = \"f.e\"\n\
                 [[code]]\nname = \"f.e\"\ndefinition = \"d\"\nopposite = \"f.c\"\n\
                 [[code]]\nname = \"f.g\"\ndefinition = \"d\"\n";
    let parties = "[party.us]\nnouns = [\"staff\"]\n[party.others]\nnouns = [\"vendors\"]\n";
    let with = |codes_of: &str, pattern: &str, more: &str| {
        let rule =
            format!("[[rule]]\nid = \"r\"\ncodes = {codes_of}\nweight = 0.5\npattern = \"{pattern}\"\n{more}\n");
        let text = format!("[codebook]\nname = \"a\"\n[[facet]]\nname = \"f\"\n{codes}{parties}{rule}");
        let said = told("a.toml", &text);
        ["\"opposite\" drops", "commonest", "@others"].map(|what| said.contains(what))
    };
    // One of two codes turns; a condition stands beside the common word; others stand between actor and act.
    let meant = with("[\"f.c\", \"f.g\"]", "@us > train", "negated = \"opposite\"");
    assert_eq!(meant, [false, false, false]);
    assert_eq!(with("[\"f.c\"]", "the", "without = \"@us\""), [false, false, true]);
    assert_eq!(with("[\"f.g\"]", "the", "negated = \"opposite\""), [true, true, true]);
}

// ---- what is shipped

fn shipped() -> Vec<PathBuf> {
    let files = fs::read_dir(repository("lexicons")).unwrap().map(|entry| entry.unwrap().path());
    let mut codebooks: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    // Parts of a codebook, which it includes.
    codebooks.retain(|path| path.file_stem().is_some_and(|stem| !stem.to_string_lossy().contains('.')));
    codebooks.sort();
    codebooks
}

#[test]
fn shipped_codebooks_are_clean_and_hold_their_examples() {
    for path in shipped() {
        let (lexicon, mut found) = lexicon::check(&path);
        let lexicon = lexicon.unwrap();
        found.extend(examples::run(&lexicon));
        let lines: Vec<String> = found.iter().map(|problem| problem.line()).collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }
}

#[test]
fn shipped_patterns_are_read_again_as_they_are_written() {
    for path in shipped() {
        let Ok((lexicon, _)) = lexicon::load(&path) else { panic!("{}", path.display()) };
        for text in lexicon.source.rules.iter().flat_map(|rule| &rule.patterns) {
            let node = pattern::parse(&text.value).unwrap();
            assert_eq!(pattern::parse(&node.to_string()), Ok(node), "{}", text.value);
        }
    }
}

/// The pieces of the codebook in the manual's section, one after another, are a codebook without a flaw.
#[test]
fn the_codebook_that_the_manual_writes_is_sound() {
    let page = fs::read_to_string(repository("README.md")).unwrap();
    let section = page.split("\n## Writing a codebook\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let pieces: Vec<&str> =
        section.split("```toml\n").skip(1).map(|piece| piece.split("```").next().unwrap()).collect();
    assert!(pieces.len() >= 3);
    let folder = tempfile::tempdir().unwrap();
    fs::copy(repository("lexicons/context.en.toml"), folder.path().join("context.en.toml")).unwrap();
    let file = folder.path().join("first.toml");
    fs::write(&file, pieces.concat()).unwrap();
    let output = run(precode(&["check"]).arg(&file), 0);
    assert!(stdout(&output).contains("0 errors, 0 warnings"), "{}", stderr(&output));
}

// ---- the difficulties of real speech, in both directions

struct Case {
    difficulty: &'static str,
    level: &'static str,
    question: &'static str,
    text: &'static str,
    want: &'static [&'static str],
}

const TRAINER: &str = "role.trainer";
const DESIGNER: &str = "role.tool_designer";
const DATA: &str = "role.data_manager";
const AUTHORITATIVE: &str = "orientation.authoritative";
const COLLABORATIVE: &str = "orientation.collaborative";
const LOW: &str = "barrier.low_priority";

const fn case(
    difficulty: &'static str,
    level: &'static str,
    text: &'static str,
    want: &'static [&'static str],
) -> Case {
    Case { difficulty, level, question: "", text, want }
}

const CO: &str = "central_office";

const CASES: &[Case] = &[
    Case {
        difficulty: "question",
        level: CO,
        question: "Do you see principals as partners?",
        text: "Well, I have no idea at all.",
        want: &[],
    },
    Case {
        difficulty: "question",
        level: CO,
        question: "How is it?",
        text: "We see them as partners.",
        want: &[COLLABORATIVE],
    },
    case("direction", CO, "We trained the principals last fall.", &[TRAINER, AUTHORITATIVE]),
    case("direction", CO, "The principals trained us last fall.", &[COLLABORATIVE]),
    case("direction", CO, "The principals were trained by central office.", &[TRAINER, AUTHORITATIVE]),
    case("direction", CO, "We asked how they trained.", &[]),
    case("direction", CO, "The teachers that we trained are here.", &[TRAINER, AUTHORITATIVE]),
    case("negation", CO, "We don't train principals.", &[]),
    case("negation", CO, "We don't just train principals.", &[TRAINER, AUTHORITATIVE]),
    case("negation", CO, "It's not about handing down a guide.", &[COLLABORATIVE]),
    case("negation", CO, "It's about handing down a guide.", &[AUTHORITATIVE]),
    case("negation", "school", "They never call back.", &[LOW]),
    case("reported", CO, "A teacher told me, \"They hand down guides.\"", &[AUTHORITATIVE]),
    case("normative", CO, "We should train the principals.", &[TRAINER, AUTHORITATIVE]),
    case("normative", CO, "We train the principals.", &[TRAINER, AUTHORITATIVE]),
    case("level", "school", "We trained the teachers.", &[]),
    case("level", "school", "They trained us on it.", &[TRAINER, AUTHORITATIVE]),
    case("level", CO, "They never call back.", &[]),
    case("euphemism", CO, "It's supportive. I check that every plan is turned in on time.", &[DATA]),
    case("euphemism", CO, "It's supportive. I check in on people.", &[]),
    case("sense", CO, "We design tools for literacy teams.", &[DESIGNER]),
    case("sense", CO, "We make tools in the shop, a hammer and a saw.", &[]),
    case("sense", CO, "We met at the train station with principals.", &[]),
    case("sense", CO, "My partner on the football team quit.", &[]),
    case(
        "disfluency",
        CO,
        "We, um, we like train- trained, you know, the [inaudible] principals.",
        &[TRAINER, AUTHORITATIVE],
    ),
    case("disfluency", CO, "We wrote, I mean, uh, the hand-\nbook.", &[DESIGNER]),
    case("disfluency", CO, "We’ve trained the “principals”.", &[TRAINER, AUTHORITATIVE]),
    case("pronouns", CO, "I asked them what they thought was wrong.", &[COLLABORATIVE]),
    case("pronouns", "school", "I asked them what they thought was wrong.", &[]),
];

fn difficulties() -> Lexicon {
    lexicon::load(&fixture("lexicon/difficulties.toml")).map_err(|found| format!("{found:#?}")).unwrap().0
}

/// Codes with any evidence for them.
fn spoken_for(lexicon: &Lexicon, case: &Case) -> (BTreeSet<String>, Vec<Coding>) {
    let whole = match case.question {
        "" => format!("[{}] {}", case.level, case.text),
        question => format!("[{}] Q: {question} A: {}", case.level, case.text),
    };
    let coder = Coder::new(lexicon, Options::default());
    let codings = coder.worker().code(&examples::transcript(lexicon, &whole, None)).codings;
    (codings.iter().map(|coding| coding.code.clone()).collect(), codings)
}

#[test]
fn ten_difficulties_in_both_directions() {
    let lexicon = difficulties();
    let mut wrong = Vec::new();
    for case in CASES {
        let (found, _) = spoken_for(&lexicon, case);
        let want: BTreeSet<String> = case.want.iter().map(|name| name.to_string()).collect();
        if found != want {
            wrong.push(format!("{}: [{}] {:?}: {found:?}, not {want:?}", case.difficulty, case.level, case.text));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_is_wished_for_weighs_half_and_is_flagged() {
    let lexicon = difficulties();
    let of = |text| {
        let (_, codings) = spoken_for(&lexicon, &case("", CO, text, &[]));
        codings.into_iter().find(|coding| coding.code == TRAINER).unwrap()
    };
    let (done, wished) = (of("We train the principals."), of("We should train the principals."));
    assert!((done.score - 2.0 * wished.score).abs() < 1e-3, "{} {}", done.score, wished.score);
    assert!(wished.evidence[0].context.contains(&"hypothetical".to_string()));
}

#[test]
fn what_others_say_is_flagged_and_what_the_question_said_weighs_half() {
    let lexicon = difficulties();
    let of = |question, text| {
        let (_, codings) = spoken_for(&lexicon, &Case { question, ..case("", CO, text, &[]) });
        codings.into_iter().find(|coding| coding.code == AUTHORITATIVE).unwrap()
    };
    let own = of("How is it?", "They hand down guides.");
    let quoted = of("How is it?", "A teacher told me, \"They hand down guides.\"");
    let echoed = of("Do they hand down guides?", "They hand down guides.");
    assert!(own.evidence[0].context.is_empty(), "{:?}", own.evidence);
    assert!(quoted.evidence[0].context.contains(&"reported".to_string()), "{:?}", quoted.evidence);
    assert!(echoed.evidence[0].context.contains(&"echo".to_string()), "{:?}", echoed.evidence);
    assert!((own.score - 2.0 * echoed.score).abs() < 1e-3, "{} {}", own.score, echoed.score);
}

// ---- explain

#[test]
fn the_failing_element_is_named() {
    let cases = [
        ("train~ the principals", "We trained a principal.", "no `the`"),
        ("train~ ..1 principals", "We trained a lot of principals.", "3 words after"),
        ("principals train~", "We train principals.", "before"),
        ("guinea -(guinea pig)", "A guinea pig.", "part of"),
        ("train~ &2 principals", "We train, as I said before, the principals.", "more than 2 words"),
        ("train~ && data", "We train. They left.", "no `data`"),
        ("we > train~ > principals", "The principals train and we sleep.", "direction"),
        ("(coach | train the staff)", "We train the dog.", "no `staff`"),
    ];
    for (written, text, why) in cases {
        let lexicon = lexicon::with_pattern(None, written).map_err(|found| format!("{found:?}")).unwrap();
        let transcript = examples::transcript(&lexicon, text, None);
        let node = pattern::parse(written).unwrap();
        let coder = Coder::new(&lexicon, Options::default());
        coder.worker().visit(&transcript, |glimpse| {
            let look = Look { scene: glimpse.scene, boards: &Boards::of(&glimpse.scene) };
            let near = nearest(&look, &node, &lexicon.rules[0].patterns[0]);
            assert!(near.why.contains(why) && near.share() < 1.0, "{written} in {text:?}: {near:?}");
        });
    }
}

/// The corpus and the lexicon of the tests in a study.
fn study(folder: &Path, corpus: &str) -> Study {
    let root = folder.join("study");
    let output = code(&repository(corpus), &support::lexicon(), &root).output().unwrap();
    assert!([Some(0), Some(3)].contains(&output.status.code()), "{}", stderr(&output));
    Study::at(root)
}

#[test]
fn a_study_read_again_gives_the_same_codings() {
    let folder = tempfile::tempdir().unwrap();
    for corpus in ["corpus/interviews", "corpus/formats"] {
        let study = study(&folder.path().join(corpus.replace('/', "-")), corpus);
        let written: Vec<Coding> = rows::read(&study.codings()).unwrap().collect::<Result<_, _>>().unwrap();
        assert!(!written.is_empty());
        let (lexicon, _) = lexicon::load(&support::lexicon()).map_err(|_| "the lexicon").unwrap();
        let coder = Coder::new(&lexicon, Options::default());
        let reread = Reread::open(&study).unwrap();
        let again: Vec<Coding> = reread
            .names()
            .flat_map(|name| coder.worker().code(&reread.transcript(name).unwrap().unwrap()).codings)
            .collect();
        let lines = |codings: &[Coding]| -> Vec<String> {
            codings.iter().map(|c| format!("{} {} {:?} {}", c.id, c.code, c.evidence, c.confidence)).collect()
        };
        assert_eq!(lines(&again), lines(&written), "{corpus}");
    }
}

#[test]
fn explain_lists_the_evidence_of_the_study_and_names_the_nearest_rule() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), "corpus/interviews");
    let root = study.root().to_str().unwrap().to_string();
    let codings: Vec<Coding> = rows::read(&study.codings()).unwrap().collect::<Result<_, _>>().unwrap();
    for coding in &codings {
        let args = ["explain", &root, &coding.id, "--code", &coding.code, "--codebook", "tests/small.toml"];
        let page = stdout(&run(&mut precode(&args), 0));
        let told = page.lines().filter(|line| line.starts_with("  + ") || line.starts_with("  - "));
        assert_eq!(told.count(), coding.evidence.len(), "{page}");
        for evidence in &coding.evidence {
            let words = precode::inspect::kwic::flat(&evidence.text);
            assert!(page.contains(&format!("{}: \"{words}\" {:+.2}", evidence.rule, evidence.weight)), "{page}");
        }
        let what = if coding.confidence >= PROPOSED { ": proposed" } else { ": not proposed" };
        assert!(page.contains(what), "{page}");
    }
    let turn: usize = codings[0].turn;
    let place = format!("{}:{turn}", codings[0].transcript);
    let page = stdout(&run(&mut precode(&["explain", &root, &place, "--codebook", "tests/small.toml"]), 0));
    for code in ["role.trainer", "role.data_manager"] {
        assert!(page.contains(code), "{page}");
    }
    let seen = seen::read(&study).unwrap();
    assert!(seen.iter().any(|line| line.by == "explain" && line.turn == turn));
}

#[test]
fn explain_says_what_kept_a_rule_from_firing() {
    let of = |text: &str, level: &str| {
        let codebook = "tests/fixtures/lexicon/difficulties.toml";
        let args = ["explain", "--text", text, "--level", level, "--codebook", codebook, "--nearest", "9"];
        stdout(&run(&mut precode(&args), 0))
    };
    let cases = [
        (
            "We don't train the principals.",
            CO,
            "trains-them \"We don't train the principals\": the words are negated",
        ),
        ("They never call back.", CO, "no-call \"never call back\": it is for speakers of level school"),
        ("We make tools with a hammer.", CO, "makes-gear \"We make tools\": `not_near`: `@hardware` stands there"),
        ("My partner, football.", CO, "partners \"partner\": `without`: `@sports` is in the segment (\"football\")"),
        ("The principals train us.", CO, "trains-them: the words are there, and not as"),
        ("We meet.", CO, "trains-them: act: no `train~`"),
    ];
    for (text, level, want) in cases {
        let page = of(text, level);
        assert!(page.contains(want), "{text}\n{want}\n{page}");
    }
}

// ---- kwic, diff, coverage

#[test]
fn kwic_finds_any_pattern_and_aligns_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = "Interviewer: Who trains?\n\nRespondent: We, um, trained the\nprincipals. They train us too.\n";
    fs::write(folder.path().join("a.txt"), text).unwrap();
    let of = |args: &[&str]| {
        let mut command = precode(&["kwic", folder.path().to_str().unwrap()]);
        stdout(&run(command.args(args), 0))
    };
    let page = of(&["train~", "--width", "12"]);
    assert!(
        page.contains(" We, um, trained the princip\n") && page.ends_with("2 places in 1 transcripts\n"),
        "{page}"
    );
    let columns: Vec<usize> = page.lines().filter_map(|line| line.find("train")).collect();
    assert_eq!(columns[0], columns[1], "{page}");
    assert!(of(&["train~", "--role", "interviewer"]).contains("1 places"));
    assert!(of(&["train~", "--csv"]).starts_with("transcript,turn,speaker,speaker_role,"));
    let codebook = fixture("lexicon/difficulties.toml");
    let level = ["--codebook", codebook.to_str().unwrap(), "--level", CO];
    let page = of(&[&["@district > train~ > @school"], &level[..]].concat());
    assert!(page.contains("1 places"), "{page}");
    let output = precode(&["kwic", "corpus/interviews", "(a"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("pattern:") && stderr(&output).contains("close the group"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn diff_shows_what_a_changed_codebook_changes() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "Interviewer: So?\n\nRespondent: We held a workshop.\n\nInterviewer: And?\n\nRespondent: We run seminars.\n";
    fs::create_dir(folder.path().join("corpus")).unwrap();
    fs::write(folder.path().join("corpus/a.txt"), text).unwrap();
    let old = support::lexicon();
    let new = folder.path().join("new.toml");
    fs::write(&new, fs::read_to_string(&old).unwrap().replace("\"workshop~\"", "\"seminar~\"")).unwrap();
    let mut command = precode(&["diff"]);
    command.args([&old, &new]).arg("--corpus").arg(folder.path().join("corpus"));
    let page = stdout(&run(&mut command, 0));
    assert!(page.contains("0 proposals kept, 1 gained, 1 lost"), "{page}");
    assert!(page.contains("+ a:3 role.trainer") && page.contains("- a:1 role.trainer"), "{page}");
    assert!(page.contains("\"seminars\"") && page.contains("\"workshop\""), "{page}");
}

#[test]
fn coverage_counts_rules_words_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let text = "Interviewer: So?\n\nRespondent: We train the principals in the orchard.\n\nInterviewer: And?\n\n\
                Respondent: The orchard is old.\n";
    fs::create_dir(folder.path().join("corpus")).unwrap();
    fs::write(folder.path().join("corpus/a.txt"), text).unwrap();
    let labels = folder.path().join("labels.jsonl");
    fs::write(&labels, "{\"transcript\": \"a\", \"turn\": 1, \"labels\": [\"role.trainer\"]}\n").unwrap();
    let study = folder.path().join("study");
    run(&mut code(&folder.path().join("corpus"), &support::lexicon(), &study), 0);
    let mut command = precode(&["coverage", "--codebook", "tests/small.toml"]);
    let page = stdout(&run(command.arg(&study).arg("--labels").arg(&labels), 0));
    assert!(page.contains("orchard (2, 1)"), "{page}");
    assert!(page.contains("Answers without a code: 1 of 2") && page.contains("a:3  The orchard is old."), "{page}");
    let rule = page.lines().find(|line| line.trim_start().starts_with("train ")).unwrap();
    assert_eq!(rule.split_whitespace().collect::<Vec<_>>(), ["train", "1", "1", "1", "1", "(100", "%)"]);
    assert!(seen::read(&Study::at(&study)).unwrap().iter().any(|line| line.turn == 3 && line.by == "coverage"));
}

#[test]
fn check_tells_of_what_is_too_frequent_in_a_corpus() {
    let folder = tempfile::tempdir().unwrap();
    let answers: String =
        (0..24).map(|i| format!("Interviewer: So?\n\nRespondent: Number {i} of the data is in.\n\n")).collect();
    fs::write(folder.path().join("a.txt"), answers).unwrap();
    let output = run(precode(&["check", "tests/small.toml", "--corpus"]).arg(folder.path()), 0);
    assert!(stderr(&output).contains("rule \"data\" fires in 100 % of 24 answers"), "{}", stderr(&output));
}

// ---- dictionaries of other programs

#[test]
fn dictionaries_become_codebooks_with_a_list_of_what_was_lost() {
    let cases: &[(&str, &str, &[&str], &[usize])] = &[
        ("small.dic", "LIWC", &["gentle", "kind*", "pay back"], &[10, 11, 12, 13]),
        ("small.dicx", "LIWC", &["kind*", "bill"], &[4]),
        ("small.cat", "WordStat", &["kind*", "takes time", "doctor &5 listen*"], &[5, 7]),
        ("small.ykd", "Yoshikoder", &["kind*", "takes time", "bill"], &[6, 7]),
        ("small.yml", "quanteda", &["kind*", "takes time", "rude", "brushed off", "bill"], &[10, 11]),
        ("small.lcd", "Lexicoder", &["kind*", "takes time", "bill"], &[7]),
    ];
    for (file, title, patterns, lost) in cases {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.toml");
        let mut command = precode(&["import"]);
        let output = run(command.arg(fixture("dictionaries").join(file)).arg("--out").arg(&out), 0);
        let said = stderr(&output);
        assert!(said.contains(&format!("{file}: {title}, ")), "{said}");
        let text = fs::read_to_string(&out).unwrap();
        for pattern in *patterns {
            assert!(text.contains(&format!("\"{pattern}\"")), "{file}: {pattern}\n{text}");
        }
        let lines: Vec<usize> = said
            .lines()
            .filter_map(|line| line.split_once(&format!("{file}:"))?.1.split(':').next()?.parse().ok())
            .collect();
        assert_eq!(&lines, lost, "{said}");
        let (_, found) = lexicon::load(&out).map_err(|found| format!("{file}: {found:#?}")).unwrap();
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(
            run(precode(&["import"]).arg(fixture("dictionaries").join(file)).arg("--out").arg(&out), 1).status.code(),
            Some(1)
        );
    }
}
