"""What tests ask a page, in its own language."""

BOXES = """
return [...document.querySelectorAll('.node')].map((node) => {
  const box = node.getBoundingClientRect();
  return { name: node.title, left: box.left, right: box.right, top: box.top, bottom: box.bottom };
});
"""
"""The box of every card."""

CROSSINGS = """
const canvas = document.querySelector('.canvas').getBoundingClientRect();
const cards = [...document.querySelectorAll('.node')].map((node) => {
  const box = node.getBoundingClientRect();
  return { left: box.left - canvas.left + 1, right: box.right - canvas.left - 1,
           top: box.top - canvas.top + 1, bottom: box.bottom - canvas.top - 1 };
});
let crossed = 0, points = 0;
for (const line of document.querySelectorAll('.edge')) {
  const length = line.getTotalLength();
  for (let at = 0; at <= length; at += 5) {
    const { x, y } = line.getPointAtLength(at);
    points += 1;
    if (cards.some((c) => x > c.left && x < c.right && y > c.top && y < c.bottom)) crossed += 1;
  }
}
return { crossed, points };
"""
"""How many points of lines lie inside a card."""

CONTRAST = """
const parse = (text) => {
  const numbers = text.match(/-?[\\d.]+(e-?\\d+)?/g).map(Number);
  const scale = text.startsWith('color(') ? 255 : 1;
  return [numbers[0] * scale, numbers[1] * scale, numbers[2] * scale, numbers.length > 3 ? numbers[3] : 1];
};
const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
const background = (element) => {
  if (!element) return parse(getComputedStyle(document.body).backgroundColor);
  const own = parse(getComputedStyle(element).backgroundColor);
  return own[3] === 1 ? own : [...over(own, background(element.parentElement)), 1];
};
const light = (colour) => {
  const [r, g, b] = colour.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const found = new Map();
for (const element of document.querySelectorAll('body *')) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own || !element.getClientRects().length || element.closest('.skip, .hidden-text, script, option')) continue;
  const below = background(element);
  const [a, b] = [light(over(parse(getComputedStyle(element).color), below)), light(below)].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  const key = `${element.tagName}.${element.className}`;
  if (!found.has(key) || found.get(key) > ratio) found.set(key, ratio);
}
return [...found].filter(([, ratio]) => ratio < 4.5);
"""
"""Texts with less contrast than WCAG 2's level AA asks for."""

REQUESTS = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
"""What the page loaded besides itself."""


def overlapping(boxes: list[dict[str, float]]) -> list[tuple[float, float]]:
    """Names of cards that cover each other, by more than a rounding."""
    found = []
    ordered = sorted(boxes, key=lambda box: box["top"])
    for index, one in enumerate(ordered):
        for other in ordered[index + 1 :]:
            if other["top"] >= one["bottom"] - 0.5:
                break
            if one["left"] < other["right"] - 0.5 and other["left"] < one["right"] - 0.5:
                found.append((one["name"], other["name"]))
    return found
