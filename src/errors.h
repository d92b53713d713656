/*
 * errors.h: every SQLSTATE of class MB that this extension raises, from C or from SQL.
 *
 * The SQL functions raise the same codes by their five letters; docs/reference/errors.md gives each its
 * meaning and says whether a retry helps, and a contract test holds the three lists together.
 */
#ifndef MEMBER_ERRORS_H
#define MEMBER_ERRORS_H

#define MB(a, b, c) MAKE_SQLSTATE('M', 'B', a, b, c)

/* the program and its layout */
#define ERRCODE_NOT_SET_UP MB('0', '0', '1')
#define ERRCODE_LAYOUT_OUTDATED MB('0', '0', '2')
#define ERRCODE_ALREADY_SET_UP MB('0', '0', '3')
#define ERRCODE_UNKNOWN_PRESET MB('0', '0', '4')
#define ERRCODE_PUBLISH_REFUSED MB('0', '0', '5')
#define ERRCODE_INVALID_PROGRAM MB('0', '0', '6')
#define ERRCODE_IMPORT_REFUSED MB('0', '0', '7')
#define ERRCODE_UNKNOWN_VERSION MB('0', '0', '8')
#define ERRCODE_DRAFT_UNPUBLISHED MB('0', '0', '9')

/* members and identities */
#define ERRCODE_UNKNOWN_MEMBER MB('1', '0', '1')
#define ERRCODE_MEMBER_NOT_ACTIVE MB('1', '0', '2')
#define ERRCODE_IDENTITY_TAKEN MB('1', '0', '3')

/* points */
#define ERRCODE_UNKNOWN_WALLET MB('2', '0', '1')
#define ERRCODE_NOT_SPENDABLE MB('2', '0', '2')
#define ERRCODE_INSUFFICIENT_POINTS MB('2', '0', '3')
#define ERRCODE_POINTS_OUT_OF_RANGE MB('2', '0', '4')
#define ERRCODE_UNKNOWN_ENTRY MB('2', '0', '5')
#define ERRCODE_NOT_REVERSIBLE MB('2', '0', '6')
#define ERRCODE_LEDGER_APPEND_ONLY MB('2', '0', '7')
#define ERRCODE_UNKNOWN_HOLD MB('2', '0', '8')
#define ERRCODE_HOLD_CLOSED MB('2', '0', '9')
#define ERRCODE_WALLET_FULL MB('2', '1', '0')
#define ERRCODE_NOTHING_PENDING MB('2', '1', '1')
#define ERRCODE_TRANSFER_REFUSED MB('2', '1', '2')
#define ERRCODE_TRANSFER_FINAL MB('2', '1', '3')
#define ERRCODE_PASS_REQUIRED MB('2', '1', '4')
#define ERRCODE_PASS_INVALID MB('2', '1', '5')
#define ERRCODE_APPROVAL_REQUIRED MB('2', '1', '6')
#define ERRCODE_NOT_DECIDABLE MB('2', '1', '7')
#define ERRCODE_LIMIT_REACHED MB('2', '1', '8')
#define ERRCODE_NOT_REINSTATABLE MB('2', '1', '9')
#define ERRCODE_BATCH_REFUSED MB('2', '3', '0')

/* purchases and events */
#define ERRCODE_UNKNOWN_PURCHASE MB('3', '0', '1')
#define ERRCODE_PURCHASE_TAKEN MB('3', '0', '2')
#define ERRCODE_AMOUNT_OUT_OF_RANGE MB('3', '0', '3')
#define ERRCODE_REFUND_EXCEEDS MB('3', '0', '4')
#define ERRCODE_INVALID_LINES MB('3', '0', '5')
#define ERRCODE_UNKNOWN_KIND MB('3', '0', '6')

/* when, and once */
#define ERRCODE_AT_IN_FUTURE MB('4', '0', '1')
#define ERRCODE_AT_TOO_OLD MB('4', '0', '2')
#define ERRCODE_DAY_OUT_OF_RANGE MB('4', '0', '3')
#define ERRCODE_KEY_REUSED MB('4', '0', '4')
#define ERRCODE_INVALID_KEY MB('4', '0', '5')

/* values */
#define ERRCODE_GRAIN_TOO_FINE MB('5', '0', '1')
#define ERRCODE_INVALID_OPTION MB('5', '0', '2')
#define ERRCODE_NOT_FITTED MB('5', '0', '3')

/* jobs and messages */
#define ERRCODE_JOB_RUNNING MB('6', '0', '1')
#define ERRCODE_UNKNOWN_MESSAGE MB('6', '0', '2')

/* tags */
#define ERRCODE_INVALID_TAG MB('7', '0', '1')
#define ERRCODE_WEIGHT_OUT_OF_RANGE MB('7', '0', '2')
#define ERRCODE_UNKNOWN_TAG MB('7', '0', '3')
#define ERRCODE_TAG_BY_RULE MB('7', '0', '4')

/* clusters and baskets */
#define ERRCODE_INVALID_POINT MB('7', '1', '1')
#define ERRCODE_TOO_FEW_POINTS MB('7', '1', '2')
#define ERRCODE_TOO_MANY_SETS MB('7', '1', '3')
#define ERRCODE_INVALID_BASKETS MB('7', '1', '4')

/* rules */
#define ERRCODE_RULE_SYNTAX MB('8', '0', '1')
#define ERRCODE_RULE_UNKNOWN_NAME MB('8', '0', '2')
#define ERRCODE_RULE_TYPE MB('8', '0', '3')
#define ERRCODE_RULE_TOO_LARGE MB('8', '0', '4')

/* tiers */
#define ERRCODE_UNKNOWN_LEVEL MB('9', '0', '1')
#define ERRCODE_INVALID_GRANT MB('9', '0', '2')
#define ERRCODE_UNKNOWN_BENEFIT MB('9', '0', '3')
#define ERRCODE_NO_BENEFIT MB('9', '0', '4')

#endif
