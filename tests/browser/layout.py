"""Looks for texts that lie over each other."""

from playwright.sync_api import Page

_FIND = """() => {
    const texts = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (walker.nextNode()) {
        const node = walker.currentNode
        const words = node.textContent.trim()
        const element = node.parentElement
        if (!words || !element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})) continue
        // What floats above the page on purpose has a layer of its own.
        if (element.closest('.sr-only, .map-legend, .drop, .el-message, script, style')) continue
        const range = document.createRange()
        range.selectNodeContents(node)
        for (const box of range.getClientRects()) {
            if (box.width < 2 || box.height < 2) continue
            const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
            // Scrolled out of its frame, or cut off with dots.
            if (!top || !(element.contains(top) || top.contains(element))) continue
            texts.push({words, x: box.x, y: box.y, right: box.right, bottom: box.bottom, element})
        }
    }
    const hits = []
    const SLACK = 3
    for (let i = 0; i < texts.length; i++)
        for (let j = i + 1; j < texts.length; j++) {
            const a = texts[i], b = texts[j]
            if (a.element === b.element) continue
            const across = Math.min(a.right, b.right) - Math.max(a.x, b.x)
            const down = Math.min(a.bottom, b.bottom) - Math.max(a.y, b.y)
            if (across > SLACK && down > SLACK) hits.push(`${a.words} / ${b.words}`)
        }
    return hits
}"""


def overlapping_texts(page: Page) -> list[str]:
    """Pairs of visible texts that share more than a hair's breadth of the screen."""
    hits: list[str] = page.evaluate(_FIND)
    return hits
