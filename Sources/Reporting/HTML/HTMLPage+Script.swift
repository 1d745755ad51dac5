extension HTMLPage {
  /// What makes a page interactive. Marks of a chart are one stop of the keyboard: arrows go from mark to mark.
  static let script = """
    'use strict';
    const tip = document.getElementById('tip');
    function show(mark, x, y) {
      tip.textContent = mark.getAttribute('aria-label');
      tip.hidden = false;
      const gap = 12, box = tip.getBoundingClientRect();
      const left = Math.min(Math.max(8, x + gap), innerWidth - box.width - 8);
      const top = y + gap + box.height > innerHeight ? y - gap - box.height : y + gap;
      tip.style.left = left + 'px';
      tip.style.top = Math.max(8, top) + 'px';
    }
    function hide() { tip.hidden = true; }
    function showAt(mark) {
      const box = mark.getBoundingClientRect();
      show(mark, (box.left + box.right) / 2, box.bottom);
    }
    // The mark that the keyboard is at. Its words come back when the pointer is gone.
    let current = null;
    function rest() { if (current) showAt(current); else hide(); }
    for (const chart of document.querySelectorAll('svg.lacuna')) {
      const marks = [...chart.querySelectorAll('.m')];
      // Its frame listens: browsers let the keyboard stop at pictures that do.
      const frame = chart.parentElement;
      marks.forEach((mark, index) => {
        const title = mark.querySelector('title');
        mark.setAttribute('role', 'img');
        mark.setAttribute('aria-label', title.textContent);
        mark.setAttribute('tabindex', index ? -1 : 0);
        title.remove();
      });
      frame.addEventListener('pointermove', event => {
        const mark = event.target.closest('.m');
        if (mark) show(mark, event.clientX, event.clientY); else rest();
      });
      frame.addEventListener('pointerleave', rest);
      frame.addEventListener('focusin', event => {
        const mark = event.target.closest('.m');
        current = mark && mark.matches(':focus-visible') ? mark : null;
        rest();
      });
      frame.addEventListener('focusout', () => { current = null; hide(); });
      frame.addEventListener('keydown', event => {
        const at = marks.indexOf(event.target);
        if (at < 0) return;
        const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0,
          End: marks.length - 1 }[event.key];
        if (event.key === 'Escape') { current = null; hide(); }
        if (to === undefined || !marks[to]) return;
        event.preventDefault();
        marks[at].setAttribute('tabindex', -1);
        marks[to].setAttribute('tabindex', 0);
        marks[to].focus();
      });
    }
    addEventListener('scroll', rest, { passive: true, capture: true });
    for (const table of document.querySelectorAll('table.sortable')) {
      const body = table.tBodies[0];
      const heads = [...table.tHead.rows[0].cells];
      heads.forEach((head, column) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = head.textContent;
        head.replaceChildren(button);
        const isNumber = head.classList.contains('n');
        button.addEventListener('click', () => {
          const now = head.getAttribute('aria-sort');
          // Numbers begin with the largest, words with the first.
          const next = now ? (now === 'ascending' ? 'descending' : 'ascending') : isNumber ? 'descending' : 'ascending';
          heads.forEach(other => other.removeAttribute('aria-sort'));
          head.setAttribute('aria-sort', next);
          const sign = next === 'ascending' ? 1 : -1;
          const keyed = [...body.rows].map(row => {
            const cell = row.cells[column];
            const value = isNumber ? cell.dataset.v : cell.textContent;
            return { row, key: isNumber ? (value === '' ? NaN : Number(value)) : value };
          });
          keyed.sort((a, b) => {
            if (!isNumber) return sign * a.key.localeCompare(b.key, 'en', { numeric: true });
            // What has no number stands last either way.
            if (Number.isNaN(a.key) || Number.isNaN(b.key)) return Number.isNaN(a.key) - Number.isNaN(b.key);
            return sign * (a.key - b.key);
          });
          body.append(...keyed.map(entry => entry.row));
        });
      });
      const input = document.querySelector('input[data-table="' + table.id + '"]');
      if (!input) continue;
      const output = input.parentElement.querySelector('output');
      const texts = new Map([...body.rows].map(row => [row, row.textContent.toLowerCase()]));
      input.parentElement.hidden = false;
      input.addEventListener('input', () => {
        const words = input.value.toLowerCase().split(/\\s+/).filter(Boolean);
        let shown = 0;
        for (const [row, text] of texts) {
          row.hidden = !words.every(word => text.includes(word));
          if (!row.hidden) shown += 1;
        }
        output.textContent = words.length ? shown + ' of ' + texts.size + ' rows' : texts.size + ' rows';
      });
    }
    document.documentElement.dataset.ready = 'true';
    """
}
