/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_REMOVE_TREE_H
#define RN_TESTS_REMOVE_TREE_H

int remove_tree(const char *path); /* and all below it. 0, or not */

#endif
