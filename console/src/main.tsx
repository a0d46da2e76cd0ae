// SPDX-License-Identifier: Apache-2.0
import { render } from "preact";
import { App } from "./app";
import { restoreSession } from "./hooks/session";
import { applyTheme } from "./hooks/theme";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/widgets.css";
import "./styles/grid.css";
import "./styles/views.css";
import "./styles/map.css";

applyTheme();
const page = document.getElementById("page");
if (page) render(<App />, page);
void restoreSession();
