// SPDX-License-Identifier: Apache-2.0
import { Link } from "../components/link";
import { Page } from "../components/page";
import { Empty } from "../ui/notice";

export function MissingView() {
  return (
    <Page title="Not found">
      <Empty title="There is no such page">
        The address may be mistyped. <Link to="/">Go to the overview</Link>.
      </Empty>
    </Page>
  );
}
