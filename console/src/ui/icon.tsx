// SPDX-License-Identifier: Apache-2.0
// Line drawings of 16 by 16. They repeat what a word beside them says, so they are hidden from screen readers.
const SHAPES = {
  home: "M2.5 7.5 8 2.8l5.5 4.7M4 6.5v6.7h8V6.5",
  flows: "M2 5h9M8.5 2.5 11 5 8.5 7.5M14 11H5M7.5 8.5 5 11l2.5 2.5",
  map: "M8 8 3.6 4.4M8 8l4.6-3M8 8l-.8 5M8 8m-1.9 0a1.9 1.9 0 1 0 3.8 0 1.9 1.9 0 1 0-3.8 0M2 3.6a1.2 1.2 0 1 0 2.4 0 1.2 1.2 0 1 0-2.4 0M11.8 4.4a1.2 1.2 0 1 0 2.4 0 1.2 1.2 0 1 0-2.4 0M6 13.2a1.2 1.2 0 1 0 2.4 0 1.2 1.2 0 1 0-2.4 0",
  devices: "M2 3.5h9v6.5H2zM4.5 12.7H8M6.3 10v2.7M12.5 6.5H14v6.2h-3.2v-1",
  hubs: "M8 2.5v3M3.5 13.5v-3h9v3M8 5.5v5M6 2.5h4v3H6zM2 13.5h3M11 13.5h3",
  policy: "M8 1.8 13 3.6v4c0 3.2-2.1 5.4-5 6.6-2.9-1.2-5-3.4-5-6.6v-4zM5.8 8l1.6 1.6 2.9-3.1",
  tokens: "M6.2 9.8a3.2 3.2 0 1 1-.6-3.7 3.2 3.2 0 0 1 .6 3.7zM6.7 8.2H14v2.3M11.5 8.2v1.8",
  access: "M8 8.2a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4zM3 13.6c.5-2.4 2.5-3.6 5-3.6s4.5 1.2 5 3.6",
  identities: "M2 3.5h12v9H2zM5.8 8.2a1.4 1.4 0 1 0 0-2.8 1.4 1.4 0 0 0 0 2.8zM3.6 11c.3-1.2 1.1-1.8 2.2-1.8S7.7 9.8 8 11M9.8 6.3h2.5M9.8 9h2.5",
  events: "M3.5 2.5h9v11h-9zM5.8 5.5h4.4M5.8 8h4.4M5.8 10.5h2.6",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  close: "M4 4l8 8M12 4l-8 8",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.4 10.4 13.5 13.5",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.2v9.6L12.5 8z",
  up: "M8 12.5v-9M4.5 7 8 3.5 11.5 7",
  down: "M4.5 6.5 8 10l3.5-3.5",
  copy: "M5.5 5.5h7v8h-7zM10.5 5.5v-3h-7v8h2",
  plus: "M8 3.5v9M3.5 8h9",
  minus: "M3.5 8h9",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  sun: "M8 10.6a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2zM8 1.5v1.7M8 12.8v1.7M1.5 8h1.7M12.8 8h1.7M3.4 3.4l1.2 1.2M11.4 11.4l1.2 1.2M12.6 3.4l-1.2 1.2M4.6 11.4l-1.2 1.2",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z",
  auto: "M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11",
  keyboard: "M1.8 4h12.4v8H1.8zM4 6.5h.01M6.6 6.5h.01M9.3 6.5h.01M12 6.5h.01M4.8 9.5h6.4",
  leave: "M6.5 2.5h-4v11h4M6 8h8M11 5l3 3-3 3",
  list: "M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.01M2.5 8h.01M2.5 12h.01",
  back: "M9.5 3.5 5 8l4.5 4.5",
  trash: "M3 4.5h10M6.2 4.5v-2h3.6v2M4.3 4.5l.6 9h6.2l.6-9",
  link: "M6.8 9.2l2.4-2.4M7.3 4.8l1.5-1.5a2.7 2.7 0 0 1 3.9 3.9l-1.5 1.5M8.7 11.2l-1.5 1.5a2.7 2.7 0 0 1-3.9-3.9l1.5-1.5",
} as const;

export type IconName = keyof typeof SHAPES;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={SHAPES[name]} fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
