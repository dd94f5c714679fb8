#!/usr/bin/env python3
"""precode beside other programs on the same interviews, in one run.

    python3 benches/end_to_end.py make FOLDER MEGABYTES     made-up interviews, the same for the same size
    python3 benches/end_to_end.py run FOLDER [ROUNDS]       medians, spread and peak memory of every program
    python3 benches/end_to_end.py growth FOLDER             the cost of large codebooks, and of doubled baits

`run` wants `target/release/precode` and the bench `scan` (cargo build --release; cargo bench --no-run); `rg` and a
Python with spaCy (named by SPACY_PYTHON) are left out where they are missing. Ratios count, not single figures: other
work on the machine slows all programs alike.
"""

import glob
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PRECODE = os.environ.get("PRECODE_BIN", os.path.join(HERE, "target", "release", "precode"))
CODEBOOK = os.path.join(HERE, "lexicons", "brokering.toml")
COMMON = """the i and a it 's in to that you they of on we do with was one what he there for she is got at so my me had
who have them about were not this be said all just know but like when if our or out can would from how up an get then
really because more us think some go her people time back which going see been into has no your now say by""".split()
SYLLABLES = "ba co de fi gu ha ji ko lu me no pa qui ro sa te un vi wa yo zen tral mer ston ler".split()
QUESTIONS = ["How did you begin?", "What happened then?", "Who was there?", "Can you say more about that?"]


def literals(codebook=CODEBOOK):
    """Entries of the lists that are plain words."""
    with open(codebook, "rb") as file:
        lists = tomllib.load(file)["lists"].values()
    plain = {entry.lower() for entries in lists for entry in entries if re.fullmatch(r"[a-zA-Z][a-zA-Z ]{2,}", entry)}
    return sorted(plain)


def sentences(count, seed=7):
    """Sentences of speech: common words as often as in speech, rare ones by Zipf's law, 2 in 100 from the codebook."""
    dice = random.Random(seed)
    rare = ["".join(dice.choice(SYLLABLES) for _ in range(dice.randint(2, 4))) for _ in range(30_000)]
    weights = [1 / (rank + 3) for rank in range(len(rare))]
    terms = literals()
    made = []
    for _ in range(count):
        length = dice.randint(4, 22)
        words = [dice.choice(COMMON) if dice.random() < 0.55 else "" for _ in range(length)]
        fill = iter(dice.choices(rare, weights, k=length))
        words = [word or next(fill) for word in words]
        words = [dice.choice(terms) if dice.random() < 0.02 else word for word in words]
        text = " ".join(words).replace(" '", "'")
        made.append(text[0].upper() + text[1:] + dice.choice(".....?!"))
    return made


def make(folder, megabytes):
    os.makedirs(folder, exist_ok=True)
    pool = sentences(30_000)
    dice = random.Random(11)
    done, number = 0, 0
    while done < megabytes * 1_000_000:
        parts, size = [], 0
        while size < 60_000:
            answer = " ".join(dice.choices(pool, k=dice.randint(2, 14)))
            parts.append(f"Interviewer: {dice.choice(QUESTIONS)}\n\nRespondent: {answer}\n")
            size += len(parts[-1])
        text = "\n".join(parts)
        with open(os.path.join(folder, f"t{number:06}.txt"), "w", encoding="utf-8") as file:
            file.write(text)
        done, number = done + len(text), number + 1


def timed(command):
    """Seconds, peak megabytes and output of a command."""
    with tempfile.TemporaryFile() as out:
        started = time.monotonic()
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return seconds, usage.ru_maxrss / 1000, out.read(10_000).decode(errors="replace")


SPACY = """
import glob, sys, spacy
from spacy.matcher import PhraseMatcher
nlp = spacy.blank("en")
nlp.max_length = 10**9
matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
matcher.add("T", [nlp.make_doc(line.strip()) for line in open(sys.argv[2])])
for path in sorted(glob.glob(sys.argv[1] + "/*.txt"))[:int(sys.argv[3])]:
    matcher(nlp.make_doc(open(path).read()))
"""


def programs(folder, terms, work):
    """Name, command, share of the folder that it reads."""
    code = [PRECODE, "code", "--quiet", "--codebook", CODEBOOK, "--out"]
    found = [(f"precode, {n} thread{'s' * (n > 1)}", [*code, f"{work}/{n}", "--threads", str(n), folder], 1.0) for n in (1, 2, 4)]
    scans = [path for path in glob.glob(f"{HERE}/target/release/deps/scan-*") if not path.endswith(".d")]
    if scans:
        found.append(("aho-corasick DFA, 1 thread", [max(scans, key=os.path.getmtime), folder, terms], 1.0))
    if shutil.which("rg"):
        found += [(f"ripgrep -owFf, {n}", ["rg", "-j", str(n), "-owFf", terms, folder], 1.0) for n in (1, 4)]
    python = os.environ.get("SPACY_PYTHON")
    if python:
        n = len(glob.glob(f"{folder}/*.txt"))
        part = min(n, 20)
        found.append(("spaCy PhraseMatcher, 1", [python, "-c", SPACY, folder, terms, str(part)], part / n))
    return found


def run(folder, rounds):
    megabytes = sum(os.path.getsize(path) for path in glob.glob(f"{folder}/*.txt")) / 1e6
    with tempfile.TemporaryDirectory() as work:
        terms = f"{work}/terms.txt"
        with open(terms, "w", encoding="utf-8") as file:
            file.write("\n".join(literals()) + "\n")
        rows = programs(folder, terms, work)
        seconds = {name: [] for name, _, _ in rows}
        peak = dict.fromkeys(seconds, 0.0)
        for _ in range(rounds):  # in turn, so that a slow minute slows all
            for name, command, _ in rows:
                took, memory, _ = timed(command)
                seconds[name].append(took)
                peak[name] = max(peak[name], memory)
    print(f"{megabytes:.0f} MB, {rounds} rounds\n\n| program | MB/s | spread | times precode, 1 thread | peak MB |\n|---|---|---|---|---|")
    speed = {name: megabytes * share / statistics.median(seconds[name]) for name, _, share in rows}
    for name, _, _ in rows:
        spread = (max(seconds[name]) - min(seconds[name])) / statistics.median(seconds[name])
        print(f"| {name} | {speed[name]:.1f} | {spread:.0%} | {speed[name] / speed[rows[0][0]]:.2f} | {peak[name]:.0f} |")


def large(rules, terms):
    """A codebook of so many rules and terms, none of them commoner than the others."""
    dice = random.Random(rules)
    word = lambda: "".join(dice.choice(SYLLABLES) for _ in range(3))
    entries = [word() for _ in range(terms)]
    text = '[codebook]\nname = "g"\n[[facet]]\nname = "f"\ndefinition = "f"\n[[code]]\nname = "f.c"\ndefinition = "c"\n[lists]\n'
    for i in range(rules):
        share = entries[i * terms // rules : (i + 1) * terms // rules]
        text += f"l{i} = {share!r}\n".replace("'", '"')
    for i in range(rules):
        text += f'[[rule]]\nid = "r{i}"\ncode = "f.c"\nweight = 0.4\npattern = "@l{i} ..4 (we | they | {word()})"\n'
    return text


def growth(folder):
    with tempfile.TemporaryDirectory() as work:
        sizes = [(150, 1500), (1000, 10_000)]
        for rules, terms in sizes:
            with open(f"{work}/{rules}.toml", "w", encoding="utf-8") as file:
                file.write(large(rules, terms))
        for rules, terms in sizes:
            command = [PRECODE, "code", "--quiet", "--threads", "1", "--codebook", f"{work}/{rules}.toml", "--out", f"{work}/o", folder]
            took = statistics.median(timed(command)[0] for _ in range(3))
            print(f"{rules} rules, {terms} terms: {took:.2f} s")
        baits = {
            "one sentence without a stop": "we train them and they train us ",
            "hits only": "We train teachers. ",
            "open brackets": "([<",
            "hyphens": "a- b- ",
            "quotation marks": '"we" said "they ',
        }
        for name, bait in baits.items():
            took = []
            for size in (1_000_000, 2_000_000):
                os.makedirs(f"{work}/bait", exist_ok=True)
                with open(f"{work}/bait/t.txt", "w", encoding="utf-8") as file:
                    file.write("Interviewer: Why?\n\nRespondent: " + bait * (size // len(bait)) + "\n")
                command = [PRECODE, "code", "--quiet", "--threads", "1", "--codebook", CODEBOOK, "--out", f"{work}/o", f"{work}/bait"]
                took.append(statistics.median(timed(command)[0] for _ in range(3)))
            print(f"{name}: 1 MB {took[0]:.2f} s, 2 MB {took[1]:.2f} s, {took[1] / took[0]:.2f} times")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", folder, megabytes]:
            make(folder, float(megabytes))
        case ["run", folder, *rounds]:
            run(folder, int(rounds[0]) if rounds else 5)
        case ["growth", folder]:
            growth(folder)
        case _:
            sys.exit(__doc__)
