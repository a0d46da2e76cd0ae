// SPDX-License-Identifier: Apache-2.0
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { offsetOf, visualColumn, type Position } from "../logic/position";

const LINE_PX = 20;

interface CodeAreaProps {
  label: string;
  text: string;
  onInput: (text: string) => void;
  readOnly: boolean;
  /** Where something is wrong. */
  mark: Position | null;
  /** Lines of which there is something to say. */
  notes: readonly number[];
  described: string | undefined;
  /** Another number: the cursor goes to this position. */
  go: { position: Position; times: number } | null;
}

/** A text with line numbers, in which one place can be marked. It is as high as its lines: what is around it scrolls. */
export function CodeArea({ label, text, onInput, readOnly, mark, notes, described, go }: CodeAreaProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const [left, setLeft] = useState(0);
  const lines = useMemo(() => text.split("\n"), [text]);
  const numbers = useMemo(() => Array.from({ length: lines.length }, (_, i) => `${i + 1}\n`).join(""), [lines.length]);
  useEffect(() => {
    if (!go || !area.current || !frame.current) return;
    const at = offsetOf(area.current.value, go.position);
    area.current.focus();
    area.current.setSelectionRange(at, at);
    frame.current.scrollTop = Math.max(0, (go.position.line - 5) * LINE_PX);
    frame.current.scrollIntoView({ block: "nearest" });
  }, [go?.times]);
  const top = mark ? 10 + (Math.min(mark.line, lines.length) - 1) * LINE_PX : 0;
  return (
    <div class="editor" ref={frame}>
      <pre class="gutter" aria-hidden="true">
        {numbers}
      </pre>
      <div class="editor-text">
        {notes.map((line) => (
          <div key={line} class="note-line" aria-hidden="true" style={{ top: `${10 + (line - 1) * LINE_PX}px` }} />
        ))}
        {mark && (
          <div class="mark-line" aria-hidden="true" style={{ top: `${top}px` }}>
            <span style={{ left: `calc(9px + ${visualColumn(lines[mark.line - 1] ?? "", mark.column)}ch - ${left}px)` }} />
          </div>
        )}
        <textarea
          ref={area}
          class="code"
          aria-label={label}
          aria-invalid={mark ? true : undefined}
          aria-describedby={described}
          spellcheck={false}
          wrap="off"
          rows={lines.length + 1}
          value={text}
          readOnly={readOnly}
          onInput={(event) => onInput(event.currentTarget.value)}
          onScroll={(event) => setLeft(event.currentTarget.scrollLeft)}
        />
      </div>
    </div>
  );
}
