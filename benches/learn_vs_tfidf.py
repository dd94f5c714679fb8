#!/usr/bin/env python3
"""What `precode learn` is held against: TF-IDF + logistic regression on the words of the answers.

    precode code corpus/interviews --codebook lexicons/brokering.toml --out study
    precode learn study --labels corpus/interviews/labels.jsonl --predictions held_out.csv
    python3 benches/learn_vs_tfidf.py study corpus/interviews/labels.jsonl held_out.csv    # scikit-learn, numpy

Both are judged on interviews that they were not trained on (each interview left out in turn). Kappa and F1 are over all
pairs of answer and code; log loss and calibration error over the pairs that have a row in the study, as there the
confidence of both is defined. TF-IDF is given the better deal: all codes of a training answer count as one decision.
"""
import csv
import json
import sys
import warnings
from collections import defaultdict

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def kappa(truth, said):
    observed = np.mean(truth == said)
    chance = truth.mean() * said.mean() + (1 - truth.mean()) * (1 - said.mean())
    return (observed - chance) / (1 - chance)


def f1(truth, said):
    return 2 * np.sum(truth & said) / (truth.sum() + said.sum())


def log_loss(truth, p):
    p = np.clip(p, 0.001, 0.999)
    return -np.mean(np.where(truth, np.log(p), np.log(1 - p)))


def calibration_error(truth, p):
    bins = np.minimum((p * 10).astype(int), 9)
    return sum(abs(p[bins == b].sum() - truth[bins == b].sum()) for b in range(10)) / len(p)


def tfidf(texts, truth, groups, n, seed):
    """Held-out confidences after `n` answers, all of them when n is None."""
    out = np.zeros(truth.shape)
    rng = np.random.default_rng(seed)
    for group in np.unique(groups):
        train, test = np.flatnonzero(groups != group), np.flatnonzero(groups == group)
        if n is not None:
            train = rng.permutation(train)[:n]
        words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2)
        x, held = words.fit_transform([texts[i] for i in train]), words.transform([texts[i] for i in test])
        for code in range(truth.shape[1]):
            y = truth[train, code]
            if y.sum() == 0 or y.all():
                out[test, code] = y.mean()
            else:
                model = LogisticRegression(C=10, class_weight="balanced", max_iter=1000).fit(x, y)
                out[test, code] = model.predict_proba(held)[:, 1]
    return out


def report(name, truth, p, rows):
    said = p >= 0.5
    row_truth, row_p = truth.ravel()[rows], p.ravel()[rows]
    print(
        f"{name:44s} kappa {kappa(truth.ravel(), said.ravel()):.3f}  F1 {f1(truth.ravel(), said.ravel()):.3f}"
        f"  log loss {log_loss(row_truth, row_p):.3f}  ECE {calibration_error(row_truth, row_p):.3f}"
    )


def main(study, labels, held_out):
    turns = {(t["transcript"], t["turn"]): t for t in lines(f"{study}/turns.jsonl")}
    gold = {(r["transcript"], r["turn"]): set(r["labels"]) for r in lines(labels)}
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
    groups = np.array([a[0] for a in answers])
    place = {(a, code): i * len(codes) + j for i, a in enumerate(answers) for j, code in enumerate(codes)}
    learned, before, rows = np.zeros(truth.shape), np.zeros(truth.shape), []
    with open(held_out, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            at = place[(row["transcript"], int(row["turn"])), row["code"]]
            learned.flat[at], before.flat[at] = float(row["learned"]), float(row["before"])
            rows.append(at)
    print(f"{len(answers)} answers, {len(codes)} codes, {len(rows)} rows, {len(set(groups))} interviews\n")
    report("as coded", truth, before, rows)
    report("precode learn, all training decisions", truth, learned, rows)
    p = tfidf(texts, truth, groups, None, 0)
    report("TF-IDF + logistic regression, all answers", truth, p, rows)
    best = max(kappa(truth.ravel(), (p >= t / 100).ravel()) for t in range(1, 100))
    print(f"{'  with the threshold that suits it best':44s} kappa {best:.3f}")
    for n in (25, 50, 100):
        seeds = [tfidf(texts, truth, groups, n, seed) for seed in range(5)]
        found = defaultdict(list)
        for p in seeds:
            said = p >= 0.5
            found["kappa"].append(kappa(truth.ravel(), said.ravel()))
            found["best"].append(max(kappa(truth.ravel(), (p >= t / 100).ravel()) for t in range(1, 100)))
            found["loss"].append(log_loss(truth.ravel()[rows], p.ravel()[rows]))
        means = {name: np.mean(values) for name, values in found.items()}
        name = f"TF-IDF + logistic regression, {n} answers"
        print(f"{name:44s} kappa {means['kappa']:.3f} (best {means['best']:.3f})  log loss {means['loss']:.3f}")
    print("\nprecode learn after 25, 50, 100, 200 decisions on single rows: the learning curve that it prints")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
