// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { Button } from "../ui/button";
import { CopyBox } from "../ui/copy";
import { Notice } from "../ui/notice";

interface ShownOnceProps {
  /** What it is, in a sentence: "This is the only time that WHAT is shown." */
  what: string;
  /** The sentence after it: how long it is good. */
  good: string;
  label: string;
  text: string;
  onDone: () => void;
  children?: ComponentChildren;
}

/** A secret that the gateway keeps only a hash of, or nothing at all. */
export function ShownOnce({ what, good, label, text, onDone, children }: ShownOnceProps) {
  return (
    <>
      <Notice kind="warn">
        This is the only time that {what} is shown. {good}
      </Notice>
      <CopyBox label={label} text={text} secret />
      {children}
      <div class="dialog-actions">
        <Button kind="primary" onClick={onDone}>
          Done
        </Button>
      </div>
    </>
  );
}
