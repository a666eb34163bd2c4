// The patterns of the result format: {x:d} digits, {x:a} letters, {x} anything but a slash, * the same or nothing.
// Patterns and names are a payload's: neither may make a page work long, so there is no regular expression to
// backtrack; all positions that a name's start can reach are kept, part by part.
const PARTS = /\{[^{}:]*(?::([da]))?\}|(\*)|[^{}*]+|[{}]/g;
const TAKES = { d: /[0-9]/, a: /[A-Za-z]/, any: /[^/]/ };

export function parse(pattern) {
  return [...pattern.matchAll(PARTS)].map(([text, kind, star]) => {
    if (star) return { takes: TAKES.any, empty: true };
    if (text.length > 1 && text.startsWith("{")) return { takes: TAKES[kind ?? "any"], empty: false };
    return { literal: text };
  });
}

function advance(part, positions, name) {
  const next = new Set();
  if (part.literal) {
    for (const at of positions) if (name.startsWith(part.literal, at)) next.add(at + part.literal.length);
    return next;
  }
  let running = false;
  for (let at = 0; at <= name.length; at += 1) {
    running = running && part.takes.test(name[at - 1]);
    if (running || (part.empty && positions.has(at))) next.add(at);
    running = running || positions.has(at);
  }
  return next;
}

export function fits(pattern, name) {
  let positions = new Set([0]);
  for (const part of parse(pattern)) positions = advance(part, positions, name);
  return positions.has(name.length);
}

export const matcher = (patterns) => (path) => patterns.some((pattern) => fits(pattern, path));
