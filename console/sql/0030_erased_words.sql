-- What staff wrote to a person or about them is no longer copied into the trail, which keeps it for good: the words go when that person
-- is erased (compliance/sql/0008_erased_words.sql). That they were written, by whom, when and with what effect is in the trail as before.
SELECT console_watch('compliance_freeze', 'public_id', 'user_id', 'kind', 'level', 'staff_id', 'ended_at', 'ended_by_id');
SELECT console_watch('compliance_personnote', 'id', 'user_id', 'staff_id');
SELECT console_watch('compliance_withdrawal', 'public_id', 'user_id', 'amount', 'bank_account', 'status', 'transfer', 'started_by_id',
    'decided_by_id');
SELECT console_watch('wallets_wallet', 'public_id', 'frozen');
SELECT console_watch('compliance_case', 'public_id', 'user_id', 'status', 'assignee_id', 'priority', 'outcome', 'label', 'closed_at',
    'closed_by_id', 'due_at');
SELECT console_watch('compliance_casenote', 'id', 'case_id', 'user_id');
SELECT console_watch('compliance_verdict', 'id', 'case_id', 'user_id', 'outcome', 'label');
SELECT console_watch('compliance_document', 'public_id', 'user_id', 'kind', 'status', 'decided_at');
