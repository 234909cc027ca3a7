// What both parts of the page use: requests, elements, numbers as people read them. Text only ever enters the page
// as text, never as markup, for reasons come from peers.

export const $ = (id) => document.getElementById(id);

export async function ask(path, options) {
  const response = await fetch(path, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

/** Asks for something that changes, or would change, tasks. */
export function act(action, body) {
  return ask(`/api/tasks/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-slidegate': '1' },
    body: JSON.stringify({ by: 'console', ...body }),
  });
}

export function emptyRow(columns, text) {
  return make('tr', {}, make('td', { colspan: columns, class: 'empty' }, text));
}

export function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

export function setPill(element, text, tone) {
  element.textContent = text;
  element.className = `pill ${tone}`;
}

export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

export function bytes(count) {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${(count / 1000 ** power).toFixed(power > 0 ? 1 : 0)} ${units[power]}`;
}
