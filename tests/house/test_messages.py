"""The catalogue follows the sources, keeps what was translated, and its check finds every fault."""

import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from marketplace.kernel.management import catalogue

CODE = """
from django.utils.translation import gettext_lazy as _, ngettext, pgettext

TITLE = _("Refund %(number)s")
SHORT = pgettext("clock", "Due")
def days(n): return ngettext("%(n)d day", "%(n)d days", n)
"""
TEMPLATE = """{% load i18n %}
  <h1>{% translate "It's here" %}</h1>
    {% blocktranslate trimmed count n=days with name=x %}
      {{ n }} case of {{ name }}
    {% plural %}
      {{ n }} cases of {{ name }}
    {% endblocktranslate %}
{% blocktranslate %}100% sure{% endblocktranslate %}
"""
CHINESE = {
    "Refund %(number)s": "退款 %(number)s",
    "Due": "截止",
    "%(n)d day": "%(n)d 天",
    "It's here": "到了",
    "%(n)s case of %(name)s": "%(name)s的 %(n)s 件申请",
    "100%% sure": "完全确定",
}


@pytest.fixture
def sources(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.BASE_DIR, settings.LOCALE_PATHS = tmp_path, [tmp_path / "locale"]
    monkeypatch.setattr(catalogue, "UNTRANSLATED_PACKAGES", ())
    (tmp_path / "refunds").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "refunds" / "code.py").write_text(CODE)
    (tmp_path / "templates" / "page.html").write_text(TEMPLATE)
    return tmp_path


def update() -> str:
    out = StringIO()
    call_command("messages", stdout=out, stderr=StringIO())
    return out.getvalue()


def check() -> list[str]:
    errors = StringIO()
    try:
        call_command("messages", "--check", stdout=StringIO(), stderr=errors)
    except CommandError:
        return errors.getvalue().splitlines()
    return []


def translate(**instead: str) -> None:
    ours = catalogue.current()
    for message in catalogue.messages(ours):
        singular = message.id if isinstance(message.id, str) else message.id[0]
        text = instead.get(singular, CHINESE.get(singular, ""))
        message.string = text if isinstance(message.id, str) else (text,)
    catalogue.write(ours)


def test_every_marked_text_is_found_and_a_full_catalogue_passes(sources: Path) -> None:
    assert update() == "6 texts, 6 to translate or correct\n"
    assert len(check()) == 6
    translate()
    assert check() == []


def test_a_second_run_changes_nothing_and_keeps_translations(sources: Path) -> None:
    update()
    translate()
    before = catalogue.path().read_bytes()
    update()
    assert catalogue.path().read_bytes() == before


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"Due": ""}, "not translated: 'Due' (clock)"),
        ({"Refund %(number)s": "退款 %(no)s"}, "other placeholders than the English: 'Refund %(number)s'"),
        ({"%(n)d day": "天"}, "other placeholders than the English: '%(n)d day'"),
    ],
)
def test_a_fault_is_listed(sources: Path, wrong: dict[str, str], fault: str) -> None:
    update()
    translate(**wrong)
    assert check() == [fault]


def test_new_removed_and_fuzzy_texts_are_listed(sources: Path) -> None:
    update()
    translate()
    file = catalogue.path()
    file.write_text(file.read_text().replace('msgid "It\'s here"', '#, fuzzy\nmsgid "It\'s here"'))
    (sources / "refunds" / "code.py").write_text(CODE.replace('"Due"', '"Due by"'))
    assert check() == [
        "not in the catalogue: 'Due by' (clock)",
        "no longer in the sources: 'Due' (clock)",
        'fuzzy: "It\'s here"',
    ]


def test_django_reads_what_is_compiled(sources: Path) -> None:
    import gettext

    update()
    translate()
    (compiled,) = catalogue.compile_all()
    with compiled.open("rb") as file:
        chinese = gettext.GNUTranslations(file)
    assert chinese.gettext("Refund %(number)s") == "退款 %(number)s"
    assert chinese.pgettext("clock", "Due") == "截止"
    assert chinese.ngettext("%(n)d day", "%(n)d days", 5) == "%(n)d 天"


def test_gettext_is_known_by_the_names_the_extractor_knows() -> None:
    """Under another name its texts would never be collected, and be shown in English."""
    aliases = {
        (str(path), alias)
        for top in ("marketplace", "refunds", "sellers")
        for path in (Path(catalogue.__file__).parents[3] / top).rglob("*.py")
        for alias in re.findall(r"import n?p?gettext\w* as (\w+)", path.read_text())
    }
    assert {alias for _path, alias in aliases} == {"_"}, sorted(aliases)


def test_no_text_hides_in_an_f_string() -> None:
    """The extractor does not look into them before Python 3.12: such a text would never be translated."""
    hidden = [
        f"{path}:{number}"
        for root in ("marketplace", "refunds", "sellers")
        for path in Path(root).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(r"""\bf["'].*\{(_|n?p?gettext)\(""", line)
    ]
    assert hidden == []
