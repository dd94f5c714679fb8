#!/usr/bin/env python3
"""Write five of the development interviews in other formats.

    make_corpus.py INTERVIEWS OUT

Standard library only; the same bytes every time. Each file has the turns of its original, which a test checks.
"""
import csv
import io
import json
import re
import sys
import textwrap
import zipfile
from pathlib import Path

SECONDS_A_WORD = 0.36
LABEL = re.compile(r"^\**([A-Z][A-Za-z]*)\**:\**\s*")


def turns(path):
    """The header lines and the (label, words) of an interview; wrapped lines are joined."""
    head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    found = []
    for line in body.splitlines():
        label = LABEL.match(line)
        if label:
            found.append([label[1], line[label.end():]])
        elif line.strip():
            # Every hyphen at a line end of these interviews breaks a word.
            before = found[-1][1]
            found[-1][1] = before[:-1] + line.strip() if before.endswith("-") else before + " " + line.strip()
    return head.replace("**", "").splitlines(), [(name, " ".join(words.split())) for name, words in found]


def timed(turns):
    """(label, start, end, sentences with their own times), at an even pace and half a second between turns."""
    at = 4.0
    for name, words in turns:
        start, sentences = at, []
        for sentence in re.findall(r".+?(?:[.?!]['\"\u201d]?(?= )|$)", words):
            end = at + SECONDS_A_WORD * len(sentence.split())
            sentences.append((at, end, sentence.strip()))
            at = end
        yield name, start, at, sentences
        at += 0.5


def clock(seconds, point):
    ms = round(seconds * 1000)
    return "%02d:%02d:%02d%s%03d" % (ms // 3600000, ms // 60000 % 60, ms // 1000 % 60, point, ms % 1000)


def zoom(turns):
    """A label on every cue, numbered, CR LF."""
    cues = [(start, end, name, words) for name, _, _, parts in timed(turns) for start, end, words in parts]
    out = ["WEBVTT", ""]
    for i, (start, end, name, words) in enumerate(cues):
        out += [str(i + 1), "%s --> %s" % (clock(start, "."), clock(end, ".")), "%s: %s" % (name, words), ""]
    return "\r\n".join(out).encode()


def srt(turns):
    """A label only where the speaker changes, words wrapped over two lines and more."""
    out, i = [], 0
    for name, _, _, parts in timed(turns):
        for k, (start, end, words) in enumerate(parts):
            i += 1
            words = words if k else "%s: %s" % (name, words)
            out += [str(i), "%s --> %s" % (clock(start, ","), clock(end, ","))] + textwrap.wrap(words, 42, break_on_hyphens=False) + [""]
    return "\n".join(out).encode()


def docx(head, turns):
    """Labelled paragraphs under the header, the label bold and in a run of its own."""
    w = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    types = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"

    def run(words, bold=""):
        escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return '<w:r>%s<w:t xml:space="preserve">%s</w:t></w:r>' % (bold and "<w:rPr><w:b/></w:rPr>", escaped)

    body = ["<w:p>%s</w:p>" % run(line) for line in head]
    body += ["<w:p>%s%s</w:p>" % (run(name + ":", "bold"), run(" " + words)) for name, words in turns]
    parts = {
        "[Content_Types].xml": '<Types xmlns="%s/content-types"><Default Extension="rels" ContentType="application/'
        'vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="%s"/></Types>'
        % (package, types),
        "_rels/.rels": '<Relationships xmlns="%s/relationships"><Relationship Id="rId1" Type="%s" '
        'Target="word/document.xml"/></Relationships>' % (package, office),
        "word/document.xml": "<w:document %s><w:body>%s</w:body></w:document>" % (w, "".join(body)),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, xml in parts.items():
            entry = zipfile.ZipInfo(name, (2004, 5, 11, 0, 0, 0))
            entry.create_system = 3
            archive.writestr(entry, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + xml)
    return out.getvalue()


def table(turns):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["speaker", "start", "end", "text"])
    for (name, words), (_, start, end, _) in zip(turns, timed(turns)):
        writer.writerow([name, "%.2f" % start, "%.2f" % end, words])
    return out.getvalue().encode()


def whisperx(turns):
    """Speakers are numbers, as diarisation gives them; a word here and there has no time."""
    who, segments = {}, []
    for name, _, _, parts in timed(turns):
        speaker = who.setdefault(name, "SPEAKER_%02d" % len(who))
        for start, end, words in parts:
            at, spoken = start, []
            for word in words.split():
                entry = {"word": word, "start": round(at, 3), "end": round(at + SECONDS_A_WORD, 3), "speaker": speaker}
                spoken.append({"word": word} if re.search(r"\d", word) else entry)
                at += SECONDS_A_WORD
            segment = {"start": round(start, 3), "end": round(end, 3), "text": " " + words, "words": spoken}
            segments.append(dict(segment, speaker=speaker))
    return (json.dumps({"segments": segments, "language": "en"}, ensure_ascii=False) + "\n").encode()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    read = {name: turns(source / (name + ".txt")) for name in ("b01", "b05", "b06", "b08", "b15")}
    files = {
        "b01-zoom.vtt": zoom(read["b01"][1]),
        "b05-captions.srt": srt(read["b05"][1]),
        "b06-word.docx": docx(*read["b06"]),
        "b08-table.csv": table(read["b08"][1]),
        "b15-whisperx.json": whisperx(read["b15"][1]),
    }
    for name, content in files.items():
        (out / name).write_bytes(content)
    rows = (source / "respondents.csv").read_text(encoding="utf-8").splitlines()
    about = {name.split("-")[0]: name.rsplit(".", 1)[0] for name in files}
    kept = [about[row.split(",")[0]] + row[row.index(","):] for row in rows[1:] if row.split(",")[0] in about]
    (out / "respondents.csv").write_text("\n".join([rows[0]] + kept) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
