"""The Chinese catalogue without the gettext programs: extract, merge, judge and compile with Babel.

Sources are our own Python and templates, and those of packages that ship no Chinese of their own; what Django
translates already is left to Django.
"""

import gettext
import importlib.util
import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import django
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

OWN = ("marketplace", "refunds", "sellers", "templates")
UNTRANSLATED_PACKAGES = ("unfold",)
_CONTEXT = (1, "c")
KEYWORDS: dict[str, Any] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (_CONTEXT, 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (_CONTEXT, 2, 3)),
}
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z]|(?<!\{)\{\w*\}(?!\})")
# Lines of the header that would change with every run.
_VOLATILE = re.compile(
    r'^"(POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator|Language-Team):.*\n', re.M
)
Identity = tuple[str | tuple[str, ...], str | None]  # (msgid or (singular, plural), context)


def path() -> Path:
    return Path(settings.LOCALE_PATHS[0]) / "zh_Hans" / "LC_MESSAGES" / "django.po"


def identity(message: Message) -> Identity:
    ids = message.id
    return (ids if isinstance(ids, str) else tuple(ids)), message.context


def messages(catalogue: Catalog) -> list[Message]:
    """All entries but the header."""
    return [message for message in catalogue if message.id]


def extracted() -> Catalog:
    """Every text the sources mark for translation, without those Django has in Chinese."""
    found = Catalog(charset="utf-8")
    for name in OWN:
        _collect(found, Path(settings.BASE_DIR) / name, known=None)
    known = _django_translations()
    for name in UNTRANSLATED_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            _collect(found, Path(spec.origin).parent, known)
    return found


def current() -> Catalog:
    if not path().exists():
        return _empty()
    with path().open("rb") as file:
        return read_po(file, locale="zh_Hans")


def merged() -> Catalog:
    """The sources' texts, each with the translation it has so far."""
    old = {identity(message): message for message in messages(current())}
    new = _empty()
    for message in messages(extracted()):
        had = old.get(identity(message))
        text = had.string if had else ("" if isinstance(message.id, str) else ("",))
        flags = {*message.flags, *(had.flags & {"fuzzy"} if had else ())}
        new.add(message.id, text, flags=flags, context=message.context)
    return new


def write(catalogue: Catalog) -> None:
    path().parent.mkdir(parents=True, exist_ok=True)
    buffer = BytesIO()
    write_po(buffer, catalogue, width=110, no_location=True, sort_output=True, ignore_obsolete=True)
    path().write_text(_VOLATILE.sub("", buffer.getvalue().decode()))


def compile_all() -> list[Path]:
    """Write a .mo beside each .po; return those written."""
    written = []
    for root in settings.LOCALE_PATHS:
        for source in sorted(Path(root).glob("*/LC_MESSAGES/*.po")):
            with source.open("rb") as file:
                catalogue = read_po(file, locale=source.parent.parent.name)
            target = source.with_suffix(".mo")
            draft = target.with_suffix(".mo.new")
            with draft.open("wb") as file:
                write_mo(file, catalogue)
            draft.replace(target)  # a program that reads it now sees the old one or the new one, whole
            written.append(target)
    return written


def faults() -> list[str]:
    """What keeps the catalogue from being complete, one line each."""
    have = {identity(message): message for message in messages(current())}
    want = {identity(message) for message in messages(extracted())}
    lines = [f"not in the catalogue: {_show(item)}" for item in sorted(want - set(have), key=str)]
    lines += [f"no longer in the sources: {_show(item)}" for item in sorted(set(have) - want, key=str)]
    for item in sorted(want & set(have), key=str):
        lines += [f"{fault}: {_show(item)}" for fault in _faults_of(have[item])]
    return lines


def _faults_of(message: Message) -> Iterator[str]:
    ids = [message.id] if isinstance(message.id, str) else list(message.id)
    texts = [message.string] if isinstance(message.string, str) else list(message.string or [""])
    if "fuzzy" in message.flags:
        yield "fuzzy"
    if not all(texts):
        yield "not translated"
    elif any(sorted(PLACEHOLDER.findall(text)) != sorted(PLACEHOLDER.findall(ids[-1])) for text in texts):
        yield "other placeholders than the English"


def _empty() -> Catalog:
    return Catalog(locale="zh_Hans", charset="utf-8", header_comment="# Simplified Chinese.", fuzzy=False)


def _show(item: Identity) -> str:
    ids, context = item
    text = ids if isinstance(ids, str) else ids[0]
    return f"{text!r}" + (f" ({context})" if context else "")


def _collect(found: Catalog, folder: Path, known: set[str] | None) -> None:
    files = sorted(
        file for file in folder.rglob("*") if file.suffix in {".py", ".html", ".txt"} and file.is_file()
    )
    for file in files:
        if "migrations" in file.parts or (file.suffix != ".py" and "templates" not in file.parts):
            continue
        text = file.read_text()
        for ids, context in _marked(text if file.suffix == ".py" else _as_python(text)):
            first = ids if isinstance(ids, str) else ids[0]
            if first and (known is None or first not in known):
                found.add(ids, context=context, flags=["python-format"] if "%(" in first else [])


def _as_python(template: str) -> str:
    """A template as calls of gettext; its indentation would mean something to Python and is taken away."""
    return "\n".join(line.lstrip() for line in templatize(template).splitlines()) + "\n"


def _marked(source: str) -> Iterator[Identity]:
    for _line, ids, _comments, context in extract("python", BytesIO(source.encode()), KEYWORDS):
        yield ids, context


def _django_translations() -> set[str]:
    """The texts Django's own catalogues say in Chinese."""
    root = Path(django.__file__).parent
    known: set[str] = set()
    for file in _catalogues(root):
        with file.open("rb") as stream:
            catalogue: dict[Any, str] = gettext.GNUTranslations(stream)._catalog  # type: ignore[attr-defined]
        known.update(key if isinstance(key, str) else key[0] for key in catalogue)
    return known


def _catalogues(root: Path) -> Iterable[Path]:
    yield root / "conf/locale/zh_Hans/LC_MESSAGES/django.mo"
    yield from sorted(root.glob("contrib/*/locale/zh_Hans/LC_MESSAGES/django.mo"))
