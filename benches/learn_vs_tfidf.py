#!/usr/bin/env python3
"""What `precode learn` is held against: TF-IDF + logistic regression on the words of the answers, after the same decisions.

    precode code corpus/interviews --codebook lexicons/brokering.toml --out study
    precode learn study --labels corpus/interviews/labels.jsonl --predictions held_out.csv
    python3 benches/learn_vs_tfidf.py study held_out.csv corpus/interviews/labels.jsonl    # scikit-learn, numpy

Both are judged on interviews that they were not trained on, in the same folds, after the same decisions in the same
random orders: `held_out.csv` says which. Kappa and F1 are over all pairs of answer and code; there TF-IDF is given the
better deal: it trains on all codes of every answer that a decision lies in, rows or not, and its strength and its threshold
are chosen by cross-validation on the training answers (`precode learn` always proposes at 0.5). Log loss and calibration
error (ten bins of equal number) are over the pairs that have a row in the study; there TF-IDF trains on exactly the rows
that were decided, as a share of rows that hold is not a share of answers that do.
"""
import csv
import json
import os
import sys
import warnings
from collections import defaultdict

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")
STRENGTHS = (1, 10, 100)


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def kappa(truth, said):
    observed = np.mean(truth == said)
    chance = truth.mean() * said.mean() + (1 - truth.mean()) * (1 - said.mean())
    return (observed - chance) / (1 - chance) if chance < 1 else 0.0


def f1(truth, said):
    return 2 * np.sum(truth & said) / max(truth.sum() + said.sum(), 1)


def log_loss(truth, p):
    p = np.clip(p, 0.001, 0.999)
    return -np.mean(np.where(truth, np.log(p), np.log(1 - p)))


def calibration_error(truth, p):
    order = np.argsort(p, kind="stable")
    return sum(abs(p[bin].sum() - truth[bin].sum()) for bin in np.array_split(order, 10)) / len(p)


def fit_predict(x, truth, held, strength):
    out = np.zeros((held.shape[0], truth.shape[1]))
    for code in range(truth.shape[1]):
        y = truth[:, code]
        if y.sum() == 0 or y.all():
            out[:, code] = y.mean()
        else:
            out[:, code] = LogisticRegression(C=strength, solver="liblinear").fit(x, y).predict_proba(held)[:, 1]
    return out


def vectorise(texts, train, test):
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2 if len(train) > 20 else 1)
    return words.fit_transform([texts[i] for i in train]), words.transform([texts[i] for i in test])


def tfidf(texts, truth, clusters, train, test):
    """Confidences of the test answers, and the threshold; everything is chosen on the training answers."""
    names = sorted(set(clusters[train]))
    part = np.array([names.index(name) % 3 for name in clusters[train]])
    inner = {strength: np.zeros((len(train), truth.shape[1])) for strength in STRENGTHS}
    for held in range(3):
        rest, own = train[part != held], train[part == held]
        if len(rest) == 0 or len(own) == 0:
            continue
        x, y = vectorise(texts, rest, own)
        for strength in STRENGTHS:
            inner[strength][part == held] = fit_predict(x, truth[rest], y, strength)
    strength = min(STRENGTHS, key=lambda s: log_loss(truth[train], inner[s]))
    thresholds = np.arange(0.02, 0.9, 0.02)
    best = max(thresholds, key=lambda t: kappa(truth[train].ravel(), (inner[strength] >= t).ravel()))
    x, held = vectorise(texts, train, test)
    return fit_predict(x, truth[train], held, strength), best


def tfidf_on_rows(texts, decided, asked):
    """Confidences of the rows `asked` (answer, code), from the rows `decided` (answer, code, holds)."""
    train = sorted({answer for answer, _, _ in decided})
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2 if len(train) > 20 else 1)
    words.fit([texts[i] for i in train])
    overall = (sum(holds for *_, holds in decided) + 1) / (len(decided) + 2)
    out = np.zeros(len(asked))
    for code in {code for _, code in asked}:
        own = [(answer, holds) for answer, other, holds in decided if other == code]
        places = [i for i, (_, other) in enumerate(asked) if other == code]
        holds = np.array([h for _, h in own], dtype=bool)
        # Too little to learn from: the share that holds, drawn to that of all rows.
        out[places] = (holds.sum() + 2 * overall) / (len(holds) + 2)
        if len(own) >= 5 and 0 < holds.sum() < len(holds):
            model = LogisticRegression(C=1, solver="liblinear")
            model.fit(words.transform([texts[a] for a, _ in own]), holds)
            out[places] = model.predict_proba(words.transform([texts[asked[i][0]] for i in places]))[:, 1]
    return out


def figures(truth, p, said, rows):
    flat = truth.ravel()
    return [
        log_loss(flat[rows], p.ravel()[rows]),
        calibration_error(flat[rows], p.ravel()[rows]),
        kappa(flat, said.ravel()),
        f1(flat, said.ravel()),
    ]


def show(name, values):
    loss, error, k, f = np.mean(values, axis=0)
    print(f"  {name:32s} log loss {loss:.3f}  ECE {error:.3f}  kappa {k:.3f}  F1 {f:.3f}")


def main(study, held_out, *labels):
    turns = {(t["transcript"], t["turn"]): t for t in lines(f"{study}/turns.jsonl")}
    files = {os.path.basename(name): name for name, _ in turns}
    gold = {}
    for row in (row for path in labels for row in lines(path)):
        gold[files.get(row["transcript"], row["transcript"]), row["turn"]] = set(row["labels"])
    answers = sorted(gold)
    words = {}
    for name in {name for name, _ in answers}:
        with open(f"{study}/texts/{name}.txt", encoding="utf-8") as file:
            words[name] = file.read()
    texts = [words[a[0]][turns[a]["start"] : turns[a]["end"]] for a in answers]
    with open(f"{study}/manifest.json", encoding="utf-8") as file:
        codes = {c["name"] for c in json.load(file)["codebook"]["codes"]}
    codes = sorted(codes | {code for own in gold.values() for code in own})
    truth = np.array([[code in gold[a] for code in codes] for a in answers])
    number = {a: i for i, a in enumerate(answers)}
    runs = defaultdict(list)
    with open(held_out, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            row["answer"] = number[row["transcript"], int(row["turn"])]
            row["at"] = row["answer"] * len(codes) + codes.index(row["code"])
            runs[row["decisions"], row["order"]].append(row)
    fold_of = {row["answer"]: row["fold"] for row in runs["all", ""]}
    # Answers without a row are in no decision; they go with their interview.
    by_interview = {answers[i][0]: fold for i, fold in fold_of.items()}
    clusters = np.array([f"{a[0]}/{turns[a]['respondent']}" for a in answers])
    by_cluster = {clusters[i]: fold for i, fold in fold_of.items()}
    folds = np.array([by_cluster.get(c, by_interview.get(a[0], "0")) for c, a in zip(clusters, answers)])
    n_rows = len(runs["all", ""])
    print(f"{len(answers)} answers, {len(codes)} codes, {n_rows} decisions on rows, {len(set(folds))} folds")
    found = defaultdict(list)
    for (size, order), run in runs.items():
        rows = np.array([row["at"] for row in run])
        learned, before, tf, said = (np.zeros(truth.shape) for _ in range(4))
        learned.flat[rows] = [float(row["learned"]) for row in run]
        before.flat[rows] = [float(row["before"]) for row in run]
        by_rank = sorted(run, key=lambda row: int(row["rank"] or 0))
        for fold in sorted(set(folds)):
            outside = [row["answer"] for row in by_rank if row["fold"] != fold]
            decided = outside[: int(size)] if size != "all" else outside
            train, test = np.array(sorted(set(decided))), np.flatnonzero(folds == fold)
            p, threshold = tfidf(texts, truth, clusters, train, test)
            said[test] = p >= threshold
            known = [r for r in by_rank if r["fold"] != fold][: len(decided)]
            known = [(r["answer"], r["at"] % len(codes), r["holds"] == "1") for r in known]
            asked = [r["at"] for r in run if r["fold"] == fold]
            tf.flat[asked] = tfidf_on_rows(texts, known, [(at // len(codes), at % len(codes)) for at in asked])
        found[size, "before"].append(figures(truth, before, before >= 0.5, rows))
        found[size, "learn"].append(figures(truth, learned, learned >= 0.5, rows))
        found[size, "tfidf"].append(figures(truth, tf, said > 0, rows))
    sizes = sorted({size for size, _ in found if size != "all"}, key=int)
    show("as coded", found["all", "before"])
    for size in [*sizes, "all"]:
        print(f"after {size} decisions" if size != "all" else "after all decisions of the other folds")
        show("precode learn", found[size, "learn"])
        show("TF-IDF + logistic regression", found[size, "tfidf"])


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
