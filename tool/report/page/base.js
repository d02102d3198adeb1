// The report's page: what its parts share. All names come from a trace and may hold anything: they reach the page as text only.
'use strict';

// make('p', {className: 'note', onclick: f}, 'text', element): properties, not attributes, and never markup.
function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name.startsWith('aria-') || name.startsWith('data-') || name === 'role') element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function dataOf(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}

const SHOWN_MAX = 400; // characters of a name

// Control characters, those that turn the direction of what follows, and those that can't be seen, made visible; the middle of a long
// text is left out.
function visible(text) {
  const all = String(text);
  const cut = all.length > SHOWN_MAX ? `${all.slice(0, SHOWN_MAX - 40)} … ${all.slice(-30)}` : all;
  return (cut.toWellFormed?.() ?? cut).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\u{e0000}-\u{e0fff}]/gu,
    (character) => `\\u{${character.codePointAt(0).toString(16)}}`);
}

// A name, kept apart from the direction of the text around it.
function name(text, className) {
  const shown = visible(text);
  const pieces = shown.split(/(?<=[|_/:.,])/); // where a line may end
  return make('bdi', { className: `${className ?? 'name'}${shown.length > 30 ? ' long' : ''}` }, ...pieces.flatMap((piece) => [piece, make('wbr')]));
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const some = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 });

function count(value) {
  return Number.isInteger(Number(value)) ? whole.format(Number(value)) : some.format(Number(value));
}

// "1.52 s", "14.2 ms", "850 µs", "36 ns": three digits.
function time(ns) {
  const value = Math.abs(Number(ns));
  const sign = Number(ns) < 0 ? '−' : '';
  for (const [unit, size] of [['s', 1e9], ['ms', 1e6], ['µs', 1e3]])
    if (value >= size) {
      const digits = value >= size * 100 ? 0 : value >= size * 10 ? 1 : 2;
      return `${sign}${(value / size).toFixed(digits)} ${unit}`;
    }
  return `${sign}${value} ns`;
}

function share(part, all) {
  return all > 0 ? `${((100 * part) / all).toFixed(1)} %` : '–';
}

// 0.052 as "+5.2 %", 3 as "× 4".
function changeText(ratio) {
  if (ratio >= 1) return `× ${some.format(ratio + 1)}`;
  return `${ratio < 0 ? '−' : '+'}${Math.abs(100 * ratio).toFixed(1)} %`;
}

// The same name has the same colour everywhere.
function hue(text) {
  let hash = 2166136261;
  for (let i = 0; i < text.length && i < SHOWN_MAX; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return (hash >>> 0) % 360;
}

// Which of the page's parts want to know what is searched for: functions of the text, in small letters, '' for nothing.
const searchers = [];
