-- Why a bank account cannot be used: whoever broke it is who may heal it.
GRANT UPDATE (broken_by) ON banking_bankaccount TO paya_web, paya_worker;
