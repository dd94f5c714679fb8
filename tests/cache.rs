//! What is kept of codebooks between runs: it changes no byte, and is trusted only where it may be.

mod support;

use precode::lexicon::cache::Cache;
use precode::lexicon::{self, Lexicon};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{code, corpus, published, repository, run, stderr};

/// A run that keeps codebooks in this folder.
fn with_cache(home: &Path, corpus: &Path, lexicon: &Path, study: &Path) -> Command {
    let mut command = code(corpus, lexicon, study);
    command.env_remove("PRECODE_CACHE").env("XDG_CACHE_HOME", home);
    command
}

/// Files that are kept.
fn kept(home: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.join("precode")).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn loaded(cache: &Cache, path: &Path) -> Lexicon {
    cache.load(path).unwrap_or_else(|problems| panic!("{problems:?}")).0
}

/// True for a lexicon that was not made anew: the patterns of its rules were not kept.
fn was_kept(lexicon: &Lexicon) -> bool {
    lexicon.rules.iter().all(|rule| rule.patterns.is_empty())
}

/// A codebook of its own, with another file and a fitted part.
fn book(folder: &Path) -> PathBuf {
    let path = folder.join("book.toml");
    let book = "[codebook]\nname = \"t\"\ninclude = [\"more.toml\"]\n[[facet]]\nname = \"a\"\n[[code]]\nname = \"a.b\"\n\
                definition = \"x\"\n[[rule]]\nid = \"r\"\ncode = \"a.b\"\nweight = 0.5\npattern = \"train* @who\"\n";
    let line = "{\"answers\":9,\"base\":-1.0,\"level\":{},\"rules\":{\"a.b\":1.0},\"cues\":1.0}";
    let confidence = format!(
        "{{\"schema\":\"precode.fitted-confidence/1\",\"codebook\":\"0\",\"fitted_on\":[],\"codes\":{{\"a.b\":{line}}}}}"
    );
    fs::write(&path, book).unwrap();
    fs::write(folder.join("more.toml"), "[lists]\nwho = [\"principals\", \"/teach\\\\w+/\", \"*ees\"]\n").unwrap();
    fs::write(folder.join("book.confidence.json"), confidence).unwrap();
    fs::write(folder.join("book.cues.tsv"), "cue\ta.b\ntrain\t120\nnobod was\t-30\n").unwrap();
    path
}

#[test]
fn every_shipped_codebook_gives_the_same_bytes_without_a_cache_with_a_cold_and_with_a_warm_one() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    for name in ["brokering", "assistance", "learning-system", "patient-care"] {
        let lexicon = repository(&format!("lexicons/{name}.toml"));
        let study = |how: &str| folder.path().join(format!("{name}-{how}"));
        let interviews = repository("corpus/interviews");
        run(&mut code(&interviews, &lexicon, &study("off")), 0);
        run(&mut with_cache(&home, &interviews, &lexicon, &study("cold")), 0);
        let inode = |path: &PathBuf| fs::metadata(path).unwrap().ino();
        let before: Vec<u64> = kept(&home).iter().map(inode).collect();
        run(&mut with_cache(&home, &interviews, &lexicon, &study("warm")), 0);
        assert_eq!(kept(&home).iter().map(inode).collect::<Vec<_>>(), before, "{name} was made again");
        let want = published(&study("off"));
        assert!(want == published(&study("cold")) && want == published(&study("warm")), "{name}");
    }
    assert_eq!(kept(&home).len(), 4);
    for path in kept(&home) {
        assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o600);
    }
    assert_eq!(fs::metadata(home.join("precode")).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn what_is_damaged_or_not_of_this_user_alone_is_made_anew_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let cache = Cache::at(&home).unwrap();
    let path = book(folder.path());
    assert!(!was_kept(&loaded(&cache, &path)) && was_kept(&loaded(&cache, &path)));
    let entry = fs::read_dir(&home).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&entry).unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let damages: [(&str, &dyn Fn()); 6] = [
        ("empty", &|| fs::write(&entry, "").unwrap()),
        ("cut", &|| fs::write(&entry, &whole[..whole.len() - 1]).unwrap()),
        ("longer", &|| fs::write(&entry, [&whole[..], b"!"].concat()).unwrap()),
        ("another's", &|| mode(&entry, 0o620)),
        ("a link", &|| {
            fs::rename(&entry, folder.path().join("elsewhere")).unwrap();
            symlink(folder.path().join("elsewhere"), &entry).unwrap();
        }),
        ("a flipped bit", &|| {
            let mut bytes = whole.clone();
            bytes[whole.len() / 2] ^= 4;
            fs::write(&entry, bytes).unwrap();
        }),
    ];
    for (name, damage) in damages {
        damage();
        assert!(!was_kept(&loaded(&cache, &path)), "{name} was trusted");
        let now = fs::symlink_metadata(&entry).unwrap();
        assert!(now.is_file() && now.mode() & 0o777 == 0o600 && fs::read(&entry).unwrap() == whole, "{name} stayed");
    }
    mode(&home, 0o770);
    assert!(!was_kept(&loaded(&cache, &path)), "a folder that others may write to was trusted");
}

#[test]
fn a_change_to_any_file_of_a_codebook_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(&folder.path().join("home")).unwrap();
    let path = book(folder.path());
    let digests =
        |lexicon: &Lexicon| (lexicon.digest.clone(), lexicon.model.as_ref().map(|model| model.digest.clone()));
    let same = |what: &str| {
        let (first, second) = (loaded(&cache, &path), loaded(&cache, &path));
        let anew = lexicon::load(&path).unwrap_or_else(|problems| panic!("{problems:?}")).0;
        assert!(!was_kept(&first) && was_kept(&second), "{what}");
        assert_eq!((digests(&first), digests(&second)), (digests(&anew), digests(&anew)), "{what}");
        let names = |lexicon: &Lexicon| lexicon.source.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
        assert_eq!(names(&second), names(&anew), "{what}");
    };
    same("new");
    for (name, from, to) in [
        ("book.toml", "0.5", "0.6"),
        ("more.toml", "principals", "principal"),
        ("book.confidence.json", "-1.0", "-2.0"),
        ("book.cues.tsv", "120", "121"),
    ] {
        let file = folder.path().join(name);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace(from, to)).unwrap();
        same(name);
    }
    fs::remove_file(folder.path().join("book.cues.tsv")).unwrap();
    same("without cues");
    fs::remove_file(folder.path().join("book.confidence.json")).unwrap();
    same("without a fitted part");
    fs::write(folder.path().join("more.toml"), "[lists]\nwho = [\"(\"]\n").unwrap();
    assert!(cache.load(&path).is_err() && cache.load(&path).is_err());
}

#[test]
fn warnings_are_said_again() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let (corpus, lexicon) = (corpus(folder.path(), 1, 2), book(folder.path()));
    let said = |command: &mut Command| {
        let told = stderr(&run(command, 0));
        told.lines().filter(|line| line.contains("lexicon-")).map(String::from).collect::<Vec<_>>()
    };
    let off = said(&mut code(&corpus, &lexicon, &folder.path().join("off")));
    assert!(off.len() == 1 && off[0].contains("lexicon-stale"), "{off:?}");
    for _ in 0..2 {
        assert_eq!(said(&mut with_cache(&home, &corpus, &lexicon, &folder.path().join("study"))), off);
    }
    assert_eq!(kept(&home).len(), 1);
}

#[test]
fn runs_at_once_and_runs_that_can_keep_nothing_are_as_good() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let (corpus, lexicon) = (corpus(folder.path(), 2, 2), repository("lexicons/patient-care.toml"));
    let study = |name: &str| folder.path().join(name);
    run(&mut code(&corpus, &lexicon, &study("off")), 0);
    let want = published(&study("off"));
    let studies = ["one", "two", "three", "four"].map(study);
    let at_once = studies.iter().map(|study| {
        let mut command = with_cache(&home, &corpus, &lexicon, study);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    });
    for mut child in at_once.collect::<Vec<_>>() {
        assert!(child.wait().unwrap().success());
    }
    assert!(studies.iter().all(|study| published(study) == want));
    assert_eq!(kept(&home).len(), 1);
    // No home; a home that is no folder; one that is not named from the root.
    fs::write(folder.path().join("file"), "").unwrap();
    let homes = [None, Some(folder.path().join("file")), Some(PathBuf::from("cache"))];
    for (i, home) in homes.iter().enumerate() {
        let mut command = with_cache(Path::new(""), &corpus, &lexicon, &study(&format!("home-{i}")));
        command.env_remove("HOME").env_remove("XDG_CACHE_HOME").current_dir(folder.path());
        command.envs(home.iter().map(|home| ("XDG_CACHE_HOME", home)));
        let output = run(&mut command, 0);
        assert!(!stderr(&output).contains("cache"), "{}", stderr(&output));
        assert!(published(&study(&format!("home-{i}"))) == want, "{home:?}");
    }
    assert!(!folder.path().join("cache").exists());
}

#[test]
fn the_newest_are_kept_and_those_of_another_program_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let cache = Cache::at(&home).unwrap();
    for i in 0..10 {
        let own = folder.path().join(i.to_string());
        fs::create_dir(&own).unwrap();
        loaded(&cache, &book(&own));
    }
    assert_eq!(fs::read_dir(&home).unwrap().count(), 8);
    assert!(was_kept(&loaded(&cache, &folder.path().join("9/book.toml"))));
    // The program is part of a file's name, and of what it holds.
    let program = folder.path().join("program");
    fs::copy(support::PRECODE, &program).unwrap();
    let (corpus, study) = (corpus(folder.path(), 1, 1), folder.path().join("study"));
    let (other, lexicon) = (folder.path().join("other"), folder.path().join("9/book.toml"));
    run(&mut with_cache(&other, &corpus, &lexicon, &study), 0);
    let first = kept(&other);
    let mut command = Command::new(&program);
    let arguments =
        [corpus.as_os_str(), "--codebook".as_ref(), lexicon.as_os_str(), "--out".as_ref(), study.as_os_str()];
    run(command.arg("code").args(arguments).env_remove("PRECODE_CACHE").env("XDG_CACHE_HOME", &other), 0);
    let both = kept(&other);
    assert_eq!((first.len(), both.len()), (1, 2));
    let second = both.iter().find(|path| !first.contains(path)).unwrap();
    fs::copy(&first[0], second).unwrap();
    run(&mut command, 0);
    assert_ne!(fs::read(&first[0]).unwrap(), fs::read(second).unwrap());
}
