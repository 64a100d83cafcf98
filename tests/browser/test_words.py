"""The pages' words: both languages complete, and none outside the catalogues."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

WEB = Path(__file__).parents[2] / "web"
PLACEHOLDER = re.compile(r"{(\w+)}")
SAID = re.compile(r"""\bt\(\s*'([^']+)'""")
BUILT = re.compile(r"""\bt\(\s*`([^`]+)`""")
TEXT = re.compile(r">([^<>{}]+)<")
LETTERS = re.compile(r"[A-Za-z\u4e00-\u9fff]{2,}")
NAMES = {"Mainline", "W-"}
"""Words that are the same in every language."""


def catalogue(language: str) -> dict[str, str]:
    def leaves(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
        for key, value in node.items():
            if isinstance(value, dict):
                yield from leaves(value, f"{path}{key}.")
            else:
                yield path + key, value

    return dict(
        leaves(json.loads((WEB / "src" / "locales" / f"{language}.json").read_text(encoding="utf-8")))
    )


def components() -> list[Path]:
    return sorted((WEB / "src").rglob("*.vue"))


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    zh, en = catalogue("zh"), catalogue("en")
    assert zh.keys() == en.keys()
    for key in zh:
        assert set(PLACEHOLDER.findall(zh[key])) == set(PLACEHOLDER.findall(en[key])), key
        assert zh[key].strip()
        assert en[key].strip()


def test_every_word_asked_for_is_in_the_catalogues() -> None:
    known = catalogue("en").keys()
    for file in [*components(), *(WEB / "src").rglob("*.ts")]:
        source = file.read_text(encoding="utf-8")
        for key in SAID.findall(source):
            assert key in known, f"{file.name}: {key}"
        for key in BUILT.findall(source):
            if key.startswith("${"):
                continue
            pattern = re.compile(re.escape(re.sub(r"\$\{[^}]*\}", "\0", key)).replace("\0", ".+"))
            assert any(pattern.fullmatch(one) for one in known), f"{file.name}: {key}"


@pytest.mark.parametrize("file", components(), ids=lambda file: file.stem)
def test_no_component_has_words_of_its_own(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    template = source[source.index("<template>") : source.rindex("</template>")]
    template = re.sub(r"<kbd[^>]*>.*?</kbd>", "", template, flags=re.DOTALL)
    template = re.sub(r"""=("[^"]*"|'[^']*')""", "", template)
    template = re.sub(r"{{.*?}}", "", template, flags=re.DOTALL)
    found = [words.strip() for words in TEXT.findall(template) if LETTERS.search(words)]
    assert [words for words in found if words not in NAMES] == []


def test_the_lock_file_names_no_host() -> None:
    assert "://" not in (WEB / "package-lock.json").read_text(encoding="utf-8"), (
        "write it with `npm run lock`"
    )


def test_no_source_names_an_address_to_load_from() -> None:
    """Namespaces of SVG are names, not addresses."""
    for file in [*components(), *(WEB / "src").rglob("*.css"), *WEB.glob("*.html")]:
        source = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"""(?:https?:)?//[a-z0-9-]+\.[a-z]""", source), file.name
