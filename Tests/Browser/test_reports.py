"""Reports in a browser: LACUNA=path python3 -m unittest discover -s Tests/Browser"""

import base64
import functools
import json
import tempfile
import unittest
from pathlib import Path

import browser

# Contrast of every text with what is behind it, as WCAG 2 computes it; those below 4.5:1.
CONTRAST = """
const channel = value => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
const light = rgb => 0.2126 * channel(rgb[0]) + 0.7152 * channel(rgb[1]) + 0.0722 * channel(rgb[2]);
function behind(element) {
  for (; element; element = element.parentElement) {
    const rgb = parse(getComputedStyle(element).backgroundColor);
    if (rgb.length === 3 || rgb[3] > 0) return rgb;
  }
  return [255, 255, 255];
}
const weak = [];
for (const element of document.querySelectorAll('body *')) {
  const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  if (!own || ['SCRIPT', 'STYLE', 'title'].includes(element.tagName) || element.id === 'tip') continue;
  const style = getComputedStyle(element);
  const colour = parse(element.closest('svg') ? style.fill : style.color);
  const [a, b] = [light(colour), light(behind(element))].sort((x, y) => y - x);
  if ((a + 0.05) / (b + 0.05) < 4.5) weak.push(element.textContent.trim().slice(0, 40) + ' ' + colour);
}
return weak;
"""

# Texts of a chart that cover each other, or leave its frame.
COLLISIONS = """
const problems = [];
for (const chart of document.querySelectorAll('svg.lacuna')) {
  const frame = chart.getBoundingClientRect();
  const boxes = [...chart.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()]);
  boxes.forEach(([words, box], index) => {
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1)
      problems.push(words + ' leaves its chart');
    for (const [other, rest] of boxes.slice(index + 1)) {
      const wide = Math.min(box.right, rest.right) - Math.max(box.left, rest.left);
      const high = Math.min(box.bottom, rest.bottom) - Math.max(box.top, rest.top);
      if (wide > 1 && high > 3) problems.push(words + ' covers ' + other);
    }
  });
}
return problems;
"""

UNCOVERED = """
return arguments[0].find(mark => {
  const box = mark.getBoundingClientRect();
  return document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2) === mark;
});
"""


def on_each_machine(test):
    """Runs a test on the page of each family of machines."""

    @functools.wraps(test)
    def run(self):
        for name, page in self.pages.items():
            with self.subTest(machine=name):
                self.setUp()
                self.browser.open(page)
                test(self, page)

    return run


@unittest.skipIf(browser.missing(), browser.missing())
class ReportTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.pages = browser.write_reports(cls.folder.name)
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.browser.resize(1280, 900)
        self.browser.emulate()

    def find(self, selector):
        return self.browser.driver.find_elements("css selector", selector)

    def tip(self):
        return self.browser.run("const tip = document.getElementById('tip'); return tip.hidden ? '' : tip.textContent")

    @on_each_machine
    def test_a_page_asks_the_network_for_nothing_and_the_console_is_silent(self, page):
        self.assertEqual(self.browser.requests(), [page.resolve().as_uri()])
        self.assertEqual(self.browser.complaints(), [])
        self.assertEqual(self.browser.run("return document.documentElement.dataset.ready"), "true")
        self.assertGreaterEqual(len(self.find("svg.lacuna")), 5)

    @on_each_machine
    def test_searching_leaves_the_rows_that_hold_all_words(self, page):
        rows = self.find("#operators-table tbody tr")
        kind = self.browser.run("return document.querySelector('#operators-table tbody tr:last-child').cells[1].textContent")
        box = self.find("input[type=search]")[0]
        box.send_keys(kind.upper() + " 1")
        shown = [row for row in rows if row.is_displayed()]
        expected = [row for row in rows if kind in row.get_attribute("textContent") and "1" in row.get_attribute("textContent")]
        self.assertEqual(shown, expected)
        self.assertLess(len(shown), len(rows))
        self.assertEqual(self.find("output")[0].text, f"{len(shown)} of {len(rows)} rows")
        box.send_keys("\b" * 40)
        self.assertEqual(sum(row.is_displayed() for row in rows), len(rows))

    @on_each_machine
    def test_titles_sort_numbers_as_numbers_both_ways(self, page):
        head = next(h for h in self.find("#operators-table th") if h.text == "time")
        column = self.browser.run("return arguments[0].cellIndex", head)
        read = f"return [...document.querySelectorAll('#operators-table tbody tr')].map(r => [r.cells[{column}].dataset.v, r.cells[{column}].textContent])"
        unsorted = self.browser.run(read)
        for direction, sign in (("descending", -1), ("ascending", 1)):
            head.find_element("css selector", "button").click()
            self.assertEqual(head.get_attribute("aria-sort"), direction)
            cells = self.browser.run(read)
            values = [float(value) for value, _ in cells]
            self.assertEqual(values, sorted(values, key=lambda value: sign * value))
            self.assertEqual(sorted(cells), sorted(unsorted))
            # The words would sort otherwise: 1.02 ms stands before 98 µs.
            self.assertNotEqual([text for _, text in cells], sorted((text for _, text in cells), reverse=sign < 0))

    @on_each_machine
    def test_tooltips_come_with_the_pointer_and_with_the_keyboard(self, page):
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        for chart in self.find("figure"):
            marks = chart.find_elements("css selector", ".m")
            self.browser.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", chart)
            # A mark whose middle no other covers.
            mark = self.browser.run(UNCOVERED, marks)
            ActionChains(self.browser.driver).pause(0.1).move_to_element(mark).pause(0.1).perform()
            self.assertEqual(self.tip(), mark.get_attribute("aria-label"))
            box = self.browser.run("const b = document.getElementById('tip').getBoundingClientRect(); return [b.left, b.top, b.right - innerWidth, b.bottom - innerHeight]")
            self.assertTrue(box[0] >= 0 and box[1] >= 0 and box[2] <= 0 and box[3] <= 0, box)
            ActionChains(self.browser.driver).move_to_element(chart.find_element("css selector", "h3")).pause(0.1).perform()
            self.assertEqual(self.tip(), "")
            # One stop of the keyboard a chart: the tabulator enters it, arrows go through it.
            self.browser.run("arguments[0].focus()", chart.find_element("css selector", ".wide"))
            ActionChains(self.browser.driver).pause(0.1).send_keys(Keys.TAB).pause(0.1).perform()
            self.assertEqual(self.tip(), marks[0].get_attribute("aria-label"))
            if len(marks) > 1:
                ActionChains(self.browser.driver).send_keys(Keys.ARROW_RIGHT).pause(0.1).perform()
                self.assertEqual(self.tip(), marks[1].get_attribute("aria-label"))
            ActionChains(self.browser.driver).send_keys(Keys.ESCAPE).pause(0.1).perform()
            self.assertEqual(self.tip(), "")

    @on_each_machine
    def test_text_can_be_read_in_both_schemes(self, page):
        grounds = []
        for scheme in ("light", "dark"):
            self.browser.emulate(scheme)
            grounds.append(self.browser.run("return getComputedStyle(document.body).backgroundColor"))
            self.assertEqual(self.browser.run(CONTRAST), [])
        self.assertNotEqual(*grounds)

    @on_each_machine
    def test_words_of_a_chart_do_not_cover_each_other(self, page):
        self.assertEqual(self.browser.run(COLLISIONS), [])

    @on_each_machine
    def test_a_phone_scrolls_down_only(self, page):
        self.browser.resize(380, 800, scale=2, phone=True)
        self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), 380)
        self.assertEqual(self.browser.run("scrollTo(100, 0); return scrollX"), 0)

    @on_each_machine
    def test_paper_is_light_and_whole(self, page):
        self.browser.emulate("dark", "print")
        self.assertFalse(self.find("nav")[0].is_displayed())
        self.assertEqual(self.browser.run("return getComputedStyle(document.querySelector('svg text')).fill"), "rgb(31, 35, 40)")
        self.assertEqual(self.browser.run("return getComputedStyle(document.querySelector('h1')).color"), "rgb(31, 35, 40)")
        pdf = self.browser.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"]
        self.assertTrue(base64.b64decode(pdf).startswith(b"%PDF"))

    def test_names_of_a_file_run_nothing(self):
        name = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'>\"'&amp;"
        page = self.simulate([(name, 256, 64, 64)], "names")
        self.browser.open(page)
        self.assertIsNone(self.browser.run("return window.broken || null"))
        self.assertEqual(self.browser.run("return document.querySelector('#operators-table td').textContent"), name)
        self.assertEqual(self.browser.requests(), [page.resolve().as_uri()])
        self.assertEqual(self.browser.complaints(), [])

    def test_a_thousand_operators_take_less_than_two_megabytes_and_a_second(self):
        page = self.simulate([(f"layer.{i}.projection", 64 + 8 * i, 64, 128) for i in range(1000)], "thousand")
        self.assertLess(page.stat().st_size, 2_000_000)
        times = []
        for _ in range(3):
            self.browser.open(page)
            times.append(self.browser.run("return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"))
        self.assertEqual(len(self.find("#operators-table tbody tr")), 1000)
        # The page's script has run by then; the fastest of three, because a machine may be busy.
        self.assertLess(min(times), 1000)
        print(f"1,000 operators: {page.stat().st_size} bytes, interactive after {min(times):.0f} ms")

    def simulate(self, operators, name):
        trace = Path(self.folder.name) / f"{name}.jsonl"
        lines = [{"lacuna_trace": 1, "name": "net", "samples": 1}]
        lines += [{"name": n, "kind": "gemm", "dtype": "fp16", "m": m, "n": k, "k": j} for n, m, k, j in operators]
        trace.write_text("".join(json.dumps(line) + "\n" for line in lines))
        page = trace.with_suffix(".html")
        browser.lacuna(["simulate", str(trace), "--hardware", "h200", "--sparsity", "weights=2:4", "--report", str(page)])
        return page


class VegaLiteTests(unittest.TestCase):
    def test_charts_are_what_vega_lite_takes(self):
        try:
            import altair
            import jsonschema
        except ImportError:
            self.skipTest("altair is not installed (pip install 'altair<6')")
        folder = Path(altair.__file__).parent / "vegalite/v5/schema"
        schema = json.loads((folder / "vega-lite-schema.json").read_text())
        validator = jsonschema.Draft7Validator(schema)
        commands = [f"simulate {browser.RUNS['h200']} --chart {chart}" for chart in ("time", "energy", "roofline", "traffic", "power")]
        commands += [
            f"explain {browser.RUNS['h200']}",
            "compare Traces/bert-large.jsonl.zst --hardware h200,h100 --sparsity weights=2:4 --chart energy",
            "compare Traces/resnet50 --hardware s4,t4 --data-type int8 --sweep sparsity=1x..4x",
            "validate --group s4",
        ]
        for command in commands:
            with self.subTest(command=command):
                chart = json.loads(browser.lacuna(command + " --format vega-lite"))
                self.assertIsNone(next(validator.iter_errors(chart), None))
                self.assertTrue(all(layer["data"]["values"] for layer in chart["layer"]))


if __name__ == "__main__":
    unittest.main()
