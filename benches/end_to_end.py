#!/usr/bin/env python3
"""precode beside other programs on the same interviews, in one run, and what its parts cost.

    python3 benches/end_to_end.py make FOLDER MEGABYTES [FILES]   made-up interviews, the same for the same sizes
    python3 benches/end_to_end.py speech FOLDER MEGABYTES TRANSCRIPTS   interviews of the sentences of these transcripts
    python3 benches/end_to_end.py run FOLDER [ROUNDS]             every program in turn: speed, ratios, spread, memory
    python3 benches/end_to_end.py scaling FOLDER [ROUNDS]         1, 2 and 4 threads in turn: times, ratios, memory
    python3 benches/end_to_end.py start                           one interview of 60 KB, from nothing to rows
    python3 benches/end_to_end.py growth FOLDER                   the cost of large codebooks, and of doubled baits
    python3 benches/end_to_end.py stages FOLDER                   each stage: its speed, its share of time, its limit

`make` with 10, 100 and 1000 megabytes gives files of 60 KB; `make FOLDER 10000 100000` gives 10 GB in 100,000 files.
The interviews are speech: questions and answers, sentences of 4 to 22 words, 55 in 100 of them among the commonest
words of spoken English, the others made of syllables and as frequent as Zipf's law has it (30,000 of them); 2 in 100
words are replaced by an entry of the codebook, a word or a phrase, and no other word is one. 2 to 14 sentences make an
answer. In real speech far more words stand in some pattern of a codebook: `speech` shuffles the sentences of respondents
into interviews of the same make, of speech from elsewhere with `corpus/practice/elsewhere`, of speech full of codes with
`corpus/interviews`.

All but `make` want `target/release/precode` (cargo build --release); `run` and `stages` also the bench `scan`
(cargo bench --no-run); `stages` runs `cargo bench --bench stages` on the folder first: four minutes for 100 MB. `rg` and a
Python with spaCy (named by SPACY_PYTHON) are left out where they are missing. Ratios count, not single figures: other
work on the machine slows all programs alike, so ratios are taken round by round and their median is told. Memory is
that of the process at its peak; the 15 MB or so of this script are its least.
"""

import glob
import itertools
import json
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
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(HERE, "target"))
PRECODE = os.environ.get("PRECODE_BIN", os.path.join(TARGET, "release", "precode"))
CODEBOOK = os.path.join(HERE, "lexicons", "brokering.toml")
COMMON = """the i and a it 's in to that you they of on we do with was one what he there for she is got at so my me had
who have them about were not this be said all just know but like when if our or out can would from how up an get then
really because more us think some go her people time back which going see been into has no your now say by""".split()
SYLLABLES = "ba co de fi gu ha ji ko lu me no pa qui ro sa te un vi wa yo zen tral mer ston ler".split()
HEADER = '[codebook]\nname = "g"\n[[facet]]\nname = "f"\ndefinition = "f"\n[[code]]\nname = "f.c"\ndefinition = "c"\n'
QUESTIONS = ["How did you begin?", "What happened then?", "Who was there?", "Can you say more about that?"]


def literals(codebook=CODEBOOK):
    """Entries of the lists that are plain words."""
    with open(codebook, "rb") as file:
        lists = tomllib.load(file)["lists"].values()
    plain = {entry.lower() for entries in lists for entry in entries if re.fullmatch(r"[a-zA-Z][a-zA-Z ]{2,}", entry)}
    return sorted(plain)


def sentences(count, seed=7):
    """Sentences of speech: common words as often as in speech, rare ones by Zipf's law, 2 in 100 from the codebook and
    no others."""
    dice = random.Random(seed)
    rare = ["".join(dice.choice(SYLLABLES) for _ in range(dice.randint(2, 4))) for _ in range(30_000)]
    weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(rare))))
    terms = literals()
    common = [word for word in COMMON if word not in terms]
    made = []
    for _ in range(count):
        length = dice.randint(4, 22)
        words = [dice.choice(common) if dice.random() < 0.55 else "" for _ in range(length)]
        fill = iter(dice.choices(rare, cum_weights=weights, k=length))
        words = [word or next(fill) for word in words]
        words = [dice.choice(terms) if dice.random() < 0.02 else word for word in words]
        text = " ".join(words).replace(" '", "'")
        made.append(text[0].upper() + text[1:] + dice.choice(".....?!"))
    return made


def spoken(transcripts):
    """Sentences of the respondents of these transcripts, as precode reads them."""
    with tempfile.TemporaryDirectory() as work:
        # Files that are no transcripts are refused, and the others read.
        subprocess.run(precode(f"{work}/study", 4, transcripts), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        texts, made = {}, []
        for line in open(f"{work}/study/current/turns.jsonl", encoding="utf-8"):
            turn = json.loads(line)
            name = turn["transcript"]
            if name not in texts:
                texts[name] = open(f"{work}/study/current/texts/{name}.txt", "rb").read()
            if turn["speaker_role"] == "respondent":
                speech = texts[name][turn["start_byte"] : turn["end_byte"]].decode()
                made += re.split(r"(?<=[.?!]) ", " ".join(speech.split()))
    # Captions have sentences without a stop.
    return [part for sentence in made for part in re.findall(r"(?:\S+ ?){3,40}", sentence)]


def make(folder, megabytes, files=None, pool=None):
    os.makedirs(folder, exist_ok=True)
    pool = pool or sentences(30_000)
    dice = random.Random(11)
    total = megabytes * 1_000_000
    least = total / files if files else 60_000
    done, number = 0, 0
    while number < files if files else done < total:
        done += interview(os.path.join(folder, f"t{number:06}.txt"), pool, dice, least)
        number += 1


def interview(path, pool, dice, least):
    """Writes turns until they have so many bytes; says how many the file has."""
    size = 0
    with open(path, "w", encoding="utf-8") as file:
        while size < least:
            answer = " ".join(dice.choices(pool, k=dice.randint(2, 14)))
            turns = f"Interviewer: {dice.choice(QUESTIONS)}\n\nRespondent: {answer}\n"
            file.write("\n" + turns if size else turns)
            size += len(turns)
        return file.tell()


class Cost:
    """What a command cost: seconds on the clock, seconds of work, megabytes at its peak; and what it printed."""

    def __init__(self, command):
        with tempfile.TemporaryFile() as out:
            started = time.monotonic()
            child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            self.seconds = time.monotonic() - started
            child.returncode = os.waitstatus_to_exitcode(status)
            self.work = usage.ru_utime + usage.ru_stime
            self.peak = usage.ru_maxrss / 1000
            out.seek(0)
            self.printed = out.read(10_000).decode(errors="replace")
        # 1 is what a search says that found nothing.
        if child.returncode > 1:
            sys.exit(f"{command[0]} ended with {child.returncode}")


def precode(out, threads, *inputs, codebook=CODEBOOK):
    """The command that codes these inputs."""
    return [PRECODE, "code", "--quiet", "--threads", str(threads), "--codebook", codebook, "--out", out, *inputs]


def in_turn(commands, rounds):
    """The costs of named commands, run one after the other so often: a slow minute slows all."""
    costs = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(Cost(command))
    return costs


def median(costs, of):
    return statistics.median(of(cost) for cost in costs)


def spread(costs, of):
    values = [of(cost) for cost in costs]
    return (max(values) - min(values)) / statistics.median(values)


def ratio(costs, others, of):
    """How many times the others' value this one is, in the median round."""
    return statistics.median(of(other) / of(cost) for cost, other in zip(costs, others))


def megabytes_in(folder):
    return sum(os.path.getsize(path) for path in glob.glob(f"{folder}/*.txt")) / 1e6


def scan_program():
    """The newest build of the bench `scan`, if there is one."""
    found = [path for path in glob.glob(f"{TARGET}/release/deps/scan-*") if not path.endswith(".d")]
    return max(found, key=os.path.getmtime, default=None)


# It tells its own seconds, so that its start and the reading of the terms are not held against it.
SPACY = """
import glob, sys, time, spacy
from spacy.matcher import PhraseMatcher
nlp = spacy.blank("en")
nlp.max_length = 10**9
matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
matcher.add("T", [nlp.make_doc(line.strip()) for line in open(sys.argv[2])])
started = time.monotonic()
for path in sorted(glob.glob(sys.argv[1] + "/*.txt"))[:int(sys.argv[3])]:
    matcher(nlp.make_doc(open(path).read()))
print(time.monotonic() - started)
"""
SPACY_NAME = "spaCy PhraseMatcher, 1 process"
SPACY_FILES = 60


def programs(folder, terms, work):
    """Commands by name; the first is what all others are compared with."""
    found = {f"precode, {n} thread{'s' * (n > 1)}": precode(f"{work}/{n}", n, folder) for n in (1, 2, 4)}
    found["precode, 1 thread, nothing to find"] = precode(f"{work}/0", 1, folder, codebook=write_codebook(work))
    if scan := scan_program():
        found["aho-corasick DFA, 1 thread"] = [scan, folder, terms]
    if shutil.which("rg"):
        for n in (1, 4):
            found[f"ripgrep -owFf, {n} thread{'s' * (n > 1)}"] = ["rg", "-j", str(n), "-owFf", terms, folder]
    if python := os.environ.get("SPACY_PYTHON"):
        found[SPACY_NAME] = [python, "-c", SPACY, folder, terms, str(SPACY_FILES)]
    return found


def write_terms(work):
    path = f"{work}/terms.txt"
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(literals()) + "\n")
    return path


def run(folder, rounds):
    megabytes = megabytes_in(folder)
    with tempfile.TemporaryDirectory() as work:
        costs = in_turn(programs(folder, write_terms(work), work), rounds)
    if SPACY_NAME in costs:
        share = sum(map(os.path.getsize, sorted(glob.glob(f"{folder}/*.txt"))[:SPACY_FILES])) / 1e6 / megabytes
        for cost in costs[SPACY_NAME]:
            cost.seconds = float(cost.printed) / share
    first = next(iter(costs.values()))
    seconds = lambda cost: cost.seconds
    print(f"{megabytes:.0f} MB, {rounds} rounds\n\n| program | MB/s | spread | times precode, 1 thread | peak MB |\n|---|---|---|---|---|")
    for name, own in costs.items():
        speed, times = megabytes / median(own, seconds), ratio(own, first, seconds)
        print(f"| {name} | {speed:.1f} | {spread(own, seconds):.0%} | {times:.2f} | {max(cost.peak for cost in own):.0f} |")


def scaling(folder, rounds):
    with tempfile.TemporaryDirectory() as work:
        costs = in_turn({n: precode(f"{work}/{n}", n, folder) for n in (1, 2, 4)}, rounds)
    seconds = lambda cost: cost.seconds
    print(f"{megabytes_in(folder):.0f} MB, {rounds} rounds\n\n| threads | seconds | spread | times 1 thread | work, seconds | peak MB |\n|---|---|---|---|---|---|")
    for n, own in costs.items():
        took, times, work = median(own, seconds), ratio(own, costs[1], seconds), median(own, lambda cost: cost.work)
        print(f"| {n} | {took:.2f} | {spread(own, seconds):.0%} | {times:.2f} | {work:.2f} | {max(cost.peak for cost in own):.0f} |")


def start():
    with tempfile.TemporaryDirectory() as work:
        make(f"{work}/in", 0.06)
        os.environ["XDG_CACHE_HOME"] = f"{work}/cache"
        kept, anew = [precode(f"{work}/{n}", 4, f"{work}/in") for n in (1, 2)]
        costs = in_turn({"kept": kept, "read anew": ["env", "PRECODE_CACHE=off", *anew]}, 20)
        size = megabytes_in(f"{work}/in") * 1000
    for how, own in costs.items():
        took, work = [1000 * median(own, of) for of in (lambda cost: cost.seconds, lambda cost: cost.work)]
        print(f"one interview of {size:.0f} KB, the codebook {how}: {took:.1f} ms on the clock, {work:.1f} ms of work")


def write_codebook(work):
    """A codebook of one rule that no interview meets: what is left is the cost of files, words, sentences and rows."""
    path = f"{work}/nothing.toml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(HEADER + '[[rule]]\nid = "r"\ncode = "f.c"\nweight = 0.5\npattern = "zyzzyvaq"\n')
    return path


def large(rules, terms):
    """A codebook of so many rules and terms, none of them commoner than the others."""
    dice = random.Random(rules)
    word = lambda: "".join(dice.choice(SYLLABLES) for _ in range(3))
    entries = [word() for _ in range(terms)]
    text = HEADER + "[lists]\n"
    for i in range(rules):
        share = entries[i * terms // rules : (i + 1) * terms // rules]
        text += f"l{i} = {share!r}\n".replace("'", '"')
    for i in range(rules):
        text += f'[[rule]]\nid = "r{i}"\ncode = "f.c"\nweight = 0.4\npattern = "@l{i} ..4 (we | they | {word()})"\n'
    return text


BAITS = {
    "one sentence without a stop": "we train them and they train us ",
    "hits only": "We train teachers. ",
    "open brackets": "([<",
    "hyphens": "a- b- ",
    "quotation marks": '"we" said "they ',
}


def growth(folder):
    """Work, not the clock: that of one thread, the least of three times."""
    least = lambda own: min(cost.work for cost in own)
    with tempfile.TemporaryDirectory() as work:
        commands = {}
        for rules, terms in ((150, 1500), (1000, 10_000)):
            codebook = f"{work}/{rules}.toml"
            with open(codebook, "w", encoding="utf-8") as file:
                file.write(large(rules, terms))
            commands[f"{rules} rules, {terms} terms"] = precode(f"{work}/o", 1, folder, codebook=codebook)
        costs = in_turn(commands, 3)
        small, large_one = (least(own) for own in costs.values())
        print("; ".join(f"{name}: {least(own):.2f} s" for name, own in costs.items()) + f"; {large_one / small:.2f} times")
        for name, bait in BAITS.items():
            commands = {}
            for size in (1, 2):
                path = f"{work}/{size}.txt"
                with open(path, "w", encoding="utf-8") as file:
                    file.write("Interviewer: Why?\n\nRespondent: " + bait * (size * 1_000_000 // len(bait)) + "\n")
                commands[size] = precode(f"{work}/o", 1, path)
            one, two = (least(own) for own in in_turn(commands, 3).values())
            print(f"{name}: 1 MB {one:.2f} s, 2 MB {two:.2f} s, {two / one:.2f} times")


# What the table names, the benches that it takes (`-` those whose work they repeat), and what sets its limit: the
# plainest program for work of that kind, which a stage may beat. Wants a calm machine, as its figures are taken one by one.
STAGES = [
    ("digest of the file", ["digest"], "SHA-256 by the processor"),
    ("decode, lines, speakers, level", ["decode"], "UTF-8 and lines"),
    ("turns, places of characters", ["turns", "positions"], "UTF-8 and lines"),
    ("words, with their forms remembered", ["tokens"], "words by a table, words in a hash table"),
    ("sentences", ["sentences"], "words looked at"),
    ("matching: what may stand in which sentence", ["matching"], "DFA over the bytes"),
    ("rules, context and cues, as far as a code may be written; codings", ["codings", *"-turns -positions -tokens -sentences -matching".split()], "words in a hash table, DFA over the bytes"),
    ("rows as JSONL and CSV", ["JSONL", "CSV"], "rows copied"),
    ("files, syncs, words met for the first time", ["program", "-whole"], "disk, stemmer"),
    ("everything", ["program"], "DFA over the bytes"),
]


def figures(folder):
    """Nanoseconds for a byte, of every bench: its quickest sample, as what others do on the machine only adds to it; and
    bytes for a token."""
    environment = {**os.environ, "PRECODE_BENCH_FOLDER": os.path.abspath(folder)}
    subprocess.run(["cargo", "bench", "--bench", "stages"], cwd=HERE, env=environment, check=True, stdout=sys.stderr)
    costs = {}
    for path in glob.glob(f"{TARGET}/criterion/*/*/new/sample.json"):
        with open(path) as samples, open(os.path.join(os.path.dirname(path), "benchmark.json")) as bench:
            samples, bench = json.load(samples), json.load(bench)
            # What comes before the first file has no size.
            if bench["throughput"]:
                size = bench["throughput"]["ElementsAndBytes"]
                rounds = zip(samples["times"], samples["iters"])
                costs[bench["function_id"]] = min(time / times for time, times in rounds) / size["bytes"]
    return costs, size["bytes"] / size["elements"]


def stages(folder):
    costs, bytes_per_token = figures(folder)
    size = megabytes_in(folder) * 1e6
    with tempfile.TemporaryDirectory() as work:
        make(f"{work}/in", 0.001)
        whole = in_turn({name: precode(f"{work}/o", 1, name) for name in (folder, f"{work}/in")}, 3).values()
        everything, beginning = (min(cost.work for cost in own) for own in whole)
        costs["program"] = (everything - beginning) * 1e9 / size
        if scan := scan_program():
            costs["DFA over the bytes"] = 1000 / float(Cost([scan, folder, write_terms(work)]).printed.split()[0])
    print(f"{size / 1e6:.0f} MB, 1 thread, without the start; ~: a difference of measurements, –: lost in their spread\n")
    print("| stage | MB/s | M tokens/s | share of time | limit, MB/s |\n|---|---|---|---|---|")
    own = limits = 0
    for name, parts, limit in STAGES:
        cost = sum(-costs[part[1:]] if part[0] == "-" else costs[part] for part in parts)
        about = "~" if any(part[0] == "-" for part in parts) else ""
        speed, rate = (about + brief(1000 / cost / per) if cost > 0 else "–" for per in (1, bytes_per_token))
        plain = sum(costs[part] for part in limit.split(", ") if part in costs)
        bound = f"{brief(1000 / plain)}, {limit}" if plain else limit
        print(f"| {name} | {speed} | {rate} | {about}{max(cost, 0) / costs['program']:.0%} | {bound} |")
        if "program" not in parts:
            own, limits = own + cost, limits + (plain or cost)
    share, bound = own / costs["program"], f"{1000 / limits:.1f}, their limits together"
    print(f"| all but files, together | {1000 / own:.1f} | {1000 / own / bytes_per_token:.1f} | {share:.0%} | {bound} |")
    print(f"\ntogether {limits / own:.2f} of the limit")


def brief(figure):
    """Two or more digits of it."""
    return f"{figure:.1f}" if figure < 10 else f"{figure:,.0f}"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", folder, megabytes, *files]:
            make(folder, float(megabytes), *map(int, files))
        case ["speech", folder, megabytes, transcripts]:
            make(folder, float(megabytes), pool=spoken(transcripts))
        case ["run", folder, *rounds]:
            run(folder, int(rounds[0]) if rounds else 5)
        case ["scaling", folder, *rounds]:
            scaling(folder, int(rounds[0]) if rounds else 5)
        case ["start"]:
            start()
        case ["growth", folder]:
            growth(folder)
        case ["stages", folder]:
            stages(folder)
        case _:
            sys.exit(__doc__)
