// SPDX-License-Identifier: Apache-2.0
import { NAVIGATION } from "../routes";
import { Dialog } from "../ui/dialog";

const KEYS: readonly (readonly [string, string])[] = [
  ["?", "This list"],
  ["/", "To the search field of the view"],
  ["p", "Pause or go on (Flows, Map)"],
  ["t", "Next theme: the system's, light, dark"],
  ["↑ ↓ PgUp PgDn Home End", "Move in a table; on the map the arrows go to the nearest device"],
  ["Enter", "Open the row or device"],
  ["Esc", "Close the panel or dialog"],
];

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl class="keys">
        {KEYS.map(([keys, text]) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
        {NAVIGATION.map((route) => (
          <div key={route.path}>
            <dt>
              <kbd>g</kbd>
              <kbd>{route.key}</kbd>
            </dt>
            <dd>Go to {route.title}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
